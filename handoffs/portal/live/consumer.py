"""The live console's socket: the board's pictures, to members who may see conversations."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from urllib.parse import parse_qsl

from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import get_user_model

from conversations.event_loop.executor import run_sync
from conversations.journal.frames import MemberChanged
from conversations.journal.publish import group_join, group_leave, member_group
from handoffs.portal.live.board import Picture, View, boards, picture_change
from handoffs.portal.live.reading import LiveFilter
from integrations.entry.sessions.idle import socket_is_over
from integrations.models import Access, Area
from integrations.projects.access import project_entry
from integrations.projects.proofs import factor_proved

NO_ACCESS = 4403
# The member may look at something else than before: the page connects again.
OTHER_RIGHTS = 4409
# How often the socket looks whether its member is still one, should it not be told.
RIGHTS_SECONDS = 30.0


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One console: sends what has changed since its last picture, never faster than it is read."""

    view: View | None = None
    showing: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept a member who may read conversations, and begin to watch."""
        self.newest: Picture | None = None
        self.has_news = asyncio.Event()
        self.view = await run_sync(self._allowed_view)
        if self.view is None:
            await self.close(code=NO_ACCESS)
            return
        await self.accept()
        await group_join(self.channel_layer, self._group(), self.channel_name)
        boards().watch(self.view, self._on_picture)
        self.showing = asyncio.create_task(self._show())

    async def disconnect(self, code: int) -> None:
        """Watch no more."""
        if self.view is not None:
            boards().leave(self.view, self._on_picture)
            await group_leave(self.channel_layer, self._group(), self.channel_name)
        if self.showing is not None:
            self.showing.cancel()

    async def member_changed(self, message: MemberChanged) -> None:
        """Look at once whether it may go on."""
        if not await self._may_go_on() and self.showing is not None:
            self.showing.cancel()

    async def _may_go_on(self) -> bool:
        """Close the socket unless its member may look at what it shows."""
        allowed = await run_sync(self._allowed_view)
        if allowed == self.view:
            return True
        await self.close(code=OTHER_RIGHTS if allowed else NO_ACCESS)
        return False

    def _group(self) -> str:
        return member_group(self.scope["user"].pk)

    def _on_picture(self, picture: Picture) -> None:
        self.newest = picture
        self.has_news.set()

    async def _show(self) -> None:
        """Send changes; who reads slowly gets the newest picture and none between."""
        shown: Picture | None = None
        loop = asyncio.get_running_loop()
        checked_at = loop.time()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RIGHTS_SECONDS):
                    await self.has_news.wait()
            self.has_news.clear()
            if loop.time() - checked_at >= RIGHTS_SECONDS:
                checked_at = loop.time()
                if not await self._may_go_on():
                    return
            if self.newest is not None and (change := picture_change(shown, self.newest)):
                await self.send(text_data=json.dumps(change))
            shown = self.newest

    def _allowed_view(self) -> View | None:
        user = get_user_model().objects.filter(pk=self.scope["user"].pk, is_active=True).first()
        public_id = self.scope["url_route"]["kwargs"]["project_id"]
        if user is None or socket_is_over(self.scope["session"].session_key or "", user):
            return None
        found = project_entry(user, public_id)
        if found is None:
            return None
        project, member = found
        if project.workspace.requires_second_factor and not factor_proved(self.scope["session"]):
            return None
        if member.access(Area.CONVERSATIONS) < Access.READ:
            return None
        wanted = dict(parse_qsl(self.scope.get("query_string", b"").decode("latin-1")))
        shows_people = member.may_see_personal_data
        return project.pk, project.public_id, LiveFilter.read(wanted, shows_people=shows_people)
