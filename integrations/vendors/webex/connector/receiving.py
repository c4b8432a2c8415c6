"""What Webex's calls mean in a handoff: words as they come, people and ends by asking once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from integrations.contract.connector import VendorSession, WebhookItem
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    MessageEchoed,
    MessageFailed,
    NoLiveAgents,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import NO_RICH_CONTENT, Author, RichContent
from integrations.kit.html_markdown import markdown_of
from integrations.kit.json_values import as_moment
from integrations.kit.missed_calls import MissedCalls
from integrations.kit.recent import Recent
from integrations.vendors.webex.client.client import WebexClient
from integrations.vendors.webex.connector.people import SOMEBODY, People
from integrations.vendors.webex.connector.tasks import (
    ListedTask,
    adopting,
    agents_in,
    listed_tasks,
    owner_in,
    task_of,
    with_agents,
    with_echo,
    with_end,
)
from integrations.vendors.webex.mapping import notices
from integrations.vendors.webex.mapping.notices import Notice, notice_of

Step = tuple[VendorSession, VendorEvent]
FLOW_ID, FLOW_NAME = "flow", "Automatic reply"
ENCRYPTED_FILE = "encrypted file"
_NOT_FOUND = "NOT_FOUND"
_MAX_TASKS = 5000
_MAX_PENDING = 100


class Pending:
    """Our messages that Webex has taken and not yet repeated, task by task, oldest first.

    Lost with the worker: a failure that comes then cannot be told at its message.
    """

    def __init__(self) -> None:
        """Know of none."""
        self._tasks: Recent[list[str]] = Recent(_MAX_TASKS)

    def add(self, task_id: str, alias: str) -> None:
        """Note a message that Webex has taken."""
        waiting = self._tasks.of(task_id, list)
        if alias not in waiting:
            waiting.append(alias)
        del waiting[:-_MAX_PENDING]

    def settle(self, task_id: str, alias: str) -> None:
        """Note that a message has arrived."""
        waiting = self._tasks.of(task_id, list)
        if alias in waiting:
            waiting.remove(alias)

    def oldest(self, task_id: str) -> str:
        """Take the message that has waited longest; empty for none."""
        waiting = self._tasks.of(task_id, list)
        return waiting.pop(0) if waiting else ""

    def forget(self, task_id: str) -> None:
        """Drop a task that is over."""
        self._tasks.discard(task_id)


class Receiving:
    """The connector's ear."""

    def __init__(
        self, client: WebexClient, pending: Pending, note: Callable[[str, str], None]
    ) -> None:
        """Share the connector's parts; `note` takes remarks, see MissedCalls."""
        self._client = client
        self._pending = pending
        self._people = People(client, note)
        self._missed = MissedCalls(note)

    async def steps(self, session: VendorSession, item: WebhookItem) -> list[Step]:
        """Return what an item means, each event with the session after it."""
        if not item.body:
            return self._reconciled(session, await self._listed(session))
        notice = notice_of(item.body)
        missed = await self._missed.before(
            session.vendor_conversation_id,
            item,
            opened_at=as_moment(session.state.get("opened_at")),
            read=partial(self._listed, session),
        )
        tasks = list(missed or ())
        before = self._joined_by_list(session, tasks) if notice.kind != notices.ENDED else []
        session = before[-1][0] if before else session
        steps = before + await self._read(session, notice)
        session = steps[-1][0] if steps else session
        if not any(isinstance(event, ConversationEnded) for _, event in steps):
            steps += self._ended_by_list(session, tasks)
        return steps

    # ---- what a call says ----

    async def _read(self, session: VendorSession, notice: Notice) -> list[Step]:
        kind = notice.kind
        if kind == notices.APPENDED:
            is_said = notice.is_outbound
            return await self._said(session, notice) if is_said else self._echoed(session, notice)
        if kind == notices.APPEND_FAILED:
            return await self._not_appended(session, notice)
        if kind == notices.CONNECTED:
            return await self._connected(session, notice)
        if kind == notices.PARKED:
            return self._parked(session, notice)
        if kind == notices.ENDED:
            return [self._ended(session, notice.at)]
        if kind == notices.FAILED:
            return self._failed(session, notice)
        return [] if kind in notices.NOTED else [(session, _unknown(session, notice, kind[:60]))]

    async def _said(self, session: VendorSession, notice: Notice) -> list[Step]:
        """Return a word of the flow's or of a live agent's, who may be seen here first."""
        steps: list[Step] = []
        agent_id, name, by = FLOW_ID, FLOW_NAME, Author.VENDOR_BOT
        if notice.sender == "agent":
            by = Author.LIVE_AGENT
            steps, agent_id, name = await self._speaker(session, notice)
            session = steps[-1][0] if steps else session
        text, markup = markdown_of(notice.text)
        is_secret = notice.has_encrypted_file
        message = LiveAgentMessage(
            vendor_event_id=notice.alias or notice.event_id,
            vendor_conversation_id=session.vendor_conversation_id,
            occurred_at=notice.at,
            agent_id=agent_id,
            agent_name=name,
            text=text,
            markup=markup,
            rich=RichContent(unknown_kind=ENCRYPTED_FILE) if is_secret else NO_RICH_CONTENT,
            files=notice.files,
            by=by,
            vendor_message_id=notice.alias,
        )
        if not (message.text.strip() or message.files or message.rich):
            return [*steps, (session, _unknown(session, notice, "message without text"))]
        return [*steps, (session, message)]

    async def _speaker(self, session: VendorSession, notice: Notice) -> tuple[list[Step], str, str]:
        """Say who wrote, and let them join where they have not."""
        agents, sender = agents_in(session), notice.sender_id or owner_in(session) or "agent"
        if sender in agents:
            return [], sender, agents[sender]
        name = await self._people.name_of(sender, partial(self._owner_name, session))
        # The list and the message may name one person by different ids.
        known = next((one for one, called in agents.items() if called == name != SOMEBODY), "")
        if known:
            return [], known, name
        joined = self._join(session, sender, name, notice.at, f"{notice.event_id}:joined")
        return [joined], sender, name

    async def _owner_name(self, session: VendorSession) -> str:
        return next((one.owner_name for one in await self._listed(session)), "")

    def _echoed(self, session: VendorSession, notice: Notice) -> list[Step]:
        alias = notice.alias
        if not alias:
            return []
        self._pending.settle(task_of(session), alias)
        session = with_echo(session, alias)
        event = MessageEchoed(
            vendor_event_id=f"{alias}:echo",
            vendor_conversation_id=session.vendor_conversation_id,
            occurred_at=notice.at,
            vendor_message_id=alias,
        )
        return [(session, event)]

    async def _not_appended(self, session: VendorSession, notice: Notice) -> list[Step]:
        """Tell it at the message that has waited longest: the call names none."""
        alias = self._pending.oldest(task_of(session))
        steps: list[Step] = []
        if alias:
            failed = MessageFailed(
                vendor_event_id=notice.event_id,
                vendor_conversation_id=session.vendor_conversation_id,
                occurred_at=notice.at,
                vendor_message_id=alias,
                reason=notice.reason,
            )
            steps.append((session, failed))
        else:
            steps.append((session, _unknown(session, notice, "append-failed of no known message")))
        if notice.reason == _NOT_FOUND:
            steps += self._ended_by_list(session, await self._listed(session))
        return steps

    async def _connected(self, session: VendorSession, notice: Notice) -> list[Step]:
        """Ask who has accepted: which fields the call has is not published."""
        tasks = await self._listed(session)
        owner = next((one for one in tasks if one.owner_id), None)
        agent_id, name = (owner.owner_id, owner.owner_name) if owner else ("agent", "")
        return self._taken_by(session, agent_id, name or SOMEBODY, notice.at, notice.event_id)

    def _parked(self, session: VendorSession, notice: Notice) -> list[Step]:
        """Wait in a queue: at first that is nothing new, later it is a transfer."""
        if not owner_in(session):
            return []
        steps = self._left(session, notice.at, notice.event_id)
        session = steps[-1][0]
        started = TransferStarted(
            vendor_event_id=f"{notice.event_id}:transfer",
            vendor_conversation_id=session.vendor_conversation_id,
            occurred_at=notice.at,
        )
        return [*steps, (session, started)]

    def _failed(self, session: VendorSession, notice: Notice) -> list[Step]:
        """Go on with the task that is open, where it is this handoff's; else nobody will come."""
        other = notice.other_task
        is_ours = not notice.origin or notice.origin in session.keys
        if notice.reason == notices.ALREADY_OPEN and other and is_ours:
            session = adopting(session, other)
            return [(session, _unknown(session, notice, notice.reason))]
        failed = NoLiveAgents(
            vendor_event_id=f"{notice.task_id}:failed",
            vendor_conversation_id=session.vendor_conversation_id,
            occurred_at=notice.at,
            detail=notice.reason,
        )
        return [(session, failed)]

    # ---- what the list says ----

    async def _listed(self, session: VendorSession) -> list[ListedTask]:
        found = await listed_tasks(self._client, session)
        task_id = task_of(session)
        return [one for one in found if one.task_id == task_id]

    def _reconciled(self, session: VendorSession, tasks: Sequence[ListedTask]) -> list[Step]:
        steps = self._joined_by_list(session, tasks)
        return steps + self._ended_by_list(steps[-1][0] if steps else session, tasks)

    def _joined_by_list(self, session: VendorSession, tasks: Sequence[ListedTask]) -> list[Step]:
        for one in tasks:
            if one.owner_id and one.status == "assigned":
                name, event_id = one.owner_name or SOMEBODY, f"{one.task_id}:{one.owner_id}"
                return self._taken_by(session, one.owner_id, name, datetime.now(UTC), event_id)
        return []

    def _ended_by_list(self, session: VendorSession, tasks: Sequence[ListedTask]) -> list[Step]:
        is_over = any(one.is_over for one in tasks)
        return [self._ended(session, datetime.now(UTC))] if is_over else []

    # ---- who is there ----

    def _taken_by(
        self, session: VendorSession, agent_id: str, name: str, at: datetime, event_id: str
    ) -> list[Step]:
        """Let the new owner join, and the one before leave; nothing if they are the same."""
        agents, owner = agents_in(session), owner_in(session)
        known = agent_id if agent_id in agents else ""
        known = known or next((one for one, called in agents.items() if called == name), "")
        if known and known == owner:
            return []
        steps = self._left(session, at, event_id) if owner else []
        session = steps[-1][0] if steps else session
        if known:
            step = (
                (with_agents(session, agents_in(session), known), steps[-1][1]) if steps else None
            )
            return [*steps[:-1], step] if step else []
        return [*steps, self._join(session, agent_id, name, at, f"{event_id}:joined")]

    def _join(
        self, session: VendorSession, agent_id: str, name: str, at: datetime, event_id: str
    ) -> Step:
        owner = owner_in(session) or agent_id
        session = with_agents(session, {**agents_in(session), agent_id: name}, owner)
        joined = LiveAgentJoined(
            vendor_event_id=event_id,
            vendor_conversation_id=session.vendor_conversation_id,
            occurred_at=at,
            agent_id=agent_id,
            agent_name=name,
        )
        return session, joined

    def _left(self, session: VendorSession, at: datetime, event_id: str) -> list[Step]:
        agents, owner = agents_in(session), owner_in(session)
        name = agents.pop(owner, "")
        session = with_agents(session, agents, "")
        left = LiveAgentLeft(
            vendor_event_id=f"{event_id}:left",
            vendor_conversation_id=session.vendor_conversation_id,
            occurred_at=at,
            agent_id=owner,
            agent_name=name,
        )
        return [(session, left)]

    def _ended(self, session: VendorSession, at: datetime) -> Step:
        conversation_id = session.vendor_conversation_id
        self._missed.forget(conversation_id)
        ended = ConversationEnded(
            vendor_event_id=f"{conversation_id}:ended",
            vendor_conversation_id=conversation_id,
            occurred_at=at,
        )
        return with_end(session, at), ended


def _unknown(session: VendorSession, notice: Notice, name: str) -> UnknownEvent:
    return UnknownEvent(
        vendor_event_id=f"{notice.event_id}:unknown",
        vendor_conversation_id=session.vendor_conversation_id,
        occurred_at=notice.at,
        name=name,
    )
