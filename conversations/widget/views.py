"""The Widget page: the project's webchat channels, and the hosted page to try one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from conversations.ai_agent.topics.actions import tool_targets
from conversations.models import Channel, Topic
from conversations.releases.content import content_in
from conversations.widget.access_token import host_allowed
from conversations.widget.channels import (
    channel_create,
    channel_token_make,
    channel_update,
    contrast_with_white,
)
from conversations.widget.forms import ChannelForm
from conversations.widget.page_check import LiveState, live_state
from conversations.widget.section_views import SECTIONS
from integrations.entry.account.confirming import recently_confirmed
from integrations.kit.json_values import count_read
from integrations.models import Access, Area, Environment, Project
from integrations.projects.access import project_view

# White text on the accent colour reads well from here on (WCAG 2, AA).
CONTRAST_NEEDED = 4.5
SUGGESTED_PHRASES_MAX = 12
HUMAN_PHRASE = "I want to talk to a human"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCard:
    """What the Widget page shows for one channel."""

    channel: Channel
    form: ChannelForm
    script_tag: str
    policy: str
    contrast: str
    is_contrast_low: bool
    live: LiveState | None
    fresh_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseGroup:
    """Sentences to try that lead to the same kind of answer."""

    title: str
    phrases: list[str]


@project_view(Area.WIDGETS)
@require_http_methods(["GET", "POST"])
def widget(request: HttpRequest, project: Project) -> HttpResponse:
    """Show the project's widgets; a POST changes the one it names."""
    if request.method != "POST":
        return _page(request, project)
    channel = get_object_or_404(_channels(project), pk=_number(request.POST.get("channel", "")))
    form = ChannelForm(request.POST, prefix=str(channel.pk), project=project)
    if not form.is_valid():
        return _page(request, project, invalid={channel.pk: form})
    channel_update(channel=channel, actor=request.user, values=form.cleaned_data)
    messages.success(request, f"Widget “{channel.name}” saved. Open pages see it when they reload.")
    return redirect("widget", project_id=project.public_id)


@project_view(Area.WIDGETS, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def widget_new(request: HttpRequest, project: Project) -> HttpResponse:
    """Add a widget with a key of its own."""
    sent = request.POST if request.method == "POST" else None
    form = ChannelForm(sent, initial=_fresh(request), project=project)
    if request.method == "POST" and form.is_valid():
        channel = channel_create(project=project, actor=request.user, values=form.cleaned_data)
        messages.success(request, f"Widget “{channel.name}” created. Its tag is ready to copy.")
        return redirect("widget", project_id=project.public_id)
    return render(request, "conversations/widget_new.html", {"form": form})


@never_cache
@project_view(Area.WIDGETS)
@require_http_methods(["POST"])
@recently_confirmed
def widget_token(request: HttpRequest, project: Project, channel_id: int) -> HttpResponse:
    """Make a secret token and show it in the answer, once: it is not stored readable."""
    channel = get_object_or_404(_channels(project), pk=channel_id)
    token = channel_token_make(channel=channel, actor=request.user)
    cards = [
        _card(row, None, fresh_token=token if row.pk == channel.pk else "")
        for row in _channels(project)
    ]
    return render(request, "conversations/widget.html", _context(cards))


@require_http_methods(["GET"])
def widget_page(request: HttpRequest, public_key: str) -> HttpResponse:
    """Show a plain page that carries the widget, with a few phrases to try.

    Open to everybody, as the pages it stands for are; says so when the widget will not appear.
    """
    channel = get_object_or_404(Channel.objects.select_related("project"), public_key=public_key)
    host = request.get_host()
    context = {
        "channel": channel,
        "host": host,
        "is_host_allowed": host_allowed(channel, host),
        "phrase_groups": _phrases(channel),
    }
    return render(request, "conversations/widget_page.html", context)


def _page(
    request: HttpRequest, project: Project, invalid: dict[int, ChannelForm] | None = None
) -> HttpResponse:
    forms = invalid or {}
    cards = [_card(channel, forms.get(channel.pk)) for channel in _channels(project)]
    status = 422 if forms else 200
    return render(request, "conversations/widget.html", _context(cards), status=status)


def _context(cards: list[ChannelCard]) -> dict[str, Any]:
    return {"cards": cards, "needed": CONTRAST_NEEDED, "sections": SECTIONS.values()}


def _card(channel: Channel, form: ChannelForm | None, fresh_token: str = "") -> ChannelCard:
    contrast = contrast_with_white(channel.accent)
    return ChannelCard(
        channel=channel,
        form=form or ChannelForm.for_channel(channel),
        script_tag=script_tag(channel),
        policy=content_policy(),
        contrast=f"{contrast:.1f}",
        is_contrast_low=contrast < CONTRAST_NEEDED,
        live=live_state(channel),
        fresh_token=fresh_token,
    )


def script_tag(channel: Channel) -> str:
    """Return the one line that a page needs to carry the widget."""
    source = settings.PUBLIC_URL + static("conversations/widget.js")
    return f'<script src="{source}" data-key="{channel.public_key}" async></script>'


def content_policy() -> str:
    """Return what a page's Content-Security-Policy must allow for the widget, all of it."""
    portal = settings.PUBLIC_URL
    socket = re.sub("^http", "ws", portal)
    return f"script-src {portal}; connect-src {portal} {socket}; img-src {portal}"


def _channels(project: Project) -> Any:
    return project.channels.filter(kind=Channel.Kind.WEBCHAT)


def _phrases(channel: Channel) -> list[PhraseGroup]:
    """Suggest the first example query of each topic: those that run a tool, then the others."""
    known = content_in(channel.project, channel.environment).rows(Topic)
    topics = [one for one in known if one.is_enabled and one.example_queries]
    by_tool = {one: bool(tool_targets(one.actions, one.actions_text)) for one in topics}
    to_people = [one.example_queries[0] for one in topics if by_tool[one]]
    to_agent = [one.example_queries[0] for one in topics if not by_tool[one]]
    return [
        PhraseGroup(
            title="Reach a live agent",
            phrases=list(dict.fromkeys([HUMAN_PHRASE, *to_people]))[:SUGGESTED_PHRASES_MAX],
        ),
        PhraseGroup(
            title="Ask the AI agent",
            phrases=list(dict.fromkeys(to_agent))[:SUGGESTED_PHRASES_MAX],
        ),
    ]


def _fresh(request: HttpRequest) -> dict[str, object]:
    """Return what a new widget begins with: this portal's own host may carry it."""
    return {
        "name": "Website",
        "title": "Chat with us",
        "accent": "#2457d6",
        "environment": Environment.SANDBOX,
        "allowed_origins": [request.get_host()],
        "is_enabled": True,
    }


def _number(text: str) -> int:
    return count_read(text) or 0
