"""What the command box finds: pages, integrations, what the AI agent is made of, and ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import models
from django.db.models import Case, When
from django.urls import reverse

from conversations.models import Destination, Flow, Tool, Topic
from handoffs.portal.command_box.pasted import (
    ID_MAX,
    ID_MIN,
    conversation_of_id,
    handoff_of_id,
)
from integrations.connections.destinations import connection_title
from integrations.models import Access, Area, Environment, Integration, Membership, Project
from integrations.models.connection_name import DEFAULT_SET
from integrations.projects.frame.menu import HOME, menu_of

TEXT_MAX = 255
# Of each kind, so that one kind never hides the others.
EACH_MAX = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One line: what it is called, what it is, and where it is."""

    label: str
    kind: str
    href: str


@dataclass(frozen=True, slots=True)
class _Rows:
    """Things of the AI agent that have a name and a page of their own."""

    model: type[models.Model]
    kind: str
    page: str
    area: Area


_NAMED = (
    _Rows(Topic, "Topic", "topic_edit", Area.KNOWLEDGE),
    _Rows(Tool, "Tool", "tool_edit", Area.TOOLS),
    _Rows(Flow, "Flow", "flow", Area.KNOWLEDGE),
    _Rows(Destination, "Destination", "destination", Area.INTEGRATIONS),
)


def find(project: Project, membership: Membership, text: str) -> list[Found]:
    """Return what fits, an id that was pasted whole before all else; all pages for no text."""
    wanted = text.replace("\x00", "").strip()[:TEXT_MAX]
    if exact := find_id(project, membership, wanted):
        return [exact]
    words = wanted.casefold().split()
    pages = [one for one in _pages(project, membership) if _fits(one.label, words)]
    if not words:
        return pages
    found = pages[:EACH_MAX]
    found += [one for one in _integrations(project, membership) if _fits(one.label, words)][
        :EACH_MAX
    ]
    for rows in _NAMED:
        if membership.access(rows.area) >= Access.READ:
            found += _named(project, rows, words)
    return found


def find_id(project: Project, membership: Membership, text: str) -> Found | None:
    """Return the one thing that bears this id, if the member may look at it."""
    if not ID_MIN <= len(text) <= ID_MAX or any(character.isspace() for character in text):
        return None
    reads = {area: membership.access(area) >= Access.READ for area in Area}
    if (reads[Area.CONVERSATIONS] or reads[Area.INTEGRATIONS]) and (
        handoff := handoff_of_id(project, text)
    ):
        href = reverse("handoff", args=[project.public_id, handoff.pk])
        return Found(label=handoff.pk, kind="Handoff", href=href)
    if reads[Area.CONVERSATIONS] and (pk := conversation_of_id(project, text)):
        href = reverse("conversation", args=[project.public_id, pk])
        return Found(label=pk, kind="Conversation", href=href)
    return None


def _pages(project: Project, membership: Membership) -> Iterator[Found]:
    yield Found(label="Home", kind="Page", href=reverse(HOME, args=[project.public_id]))
    for section in menu_of(project, membership, path="", folded=frozenset()):
        for link in section.links:
            yield Found(
                label=link.entry.label, kind=f"Page in {section.group.label}", href=link.href
            )
    yield Found(label="All projects", kind="Page", href=reverse("projects"))


def _integrations(project: Project, membership: Membership) -> Iterator[Found]:
    if membership.access(Area.INTEGRATIONS) < Access.READ:
        return
    rows = Integration.objects.filter(project=project).exclude(
        status=Integration.Status.NOT_CONNECTED
    )
    # The set without a name of its own stands before those that have one.
    is_named = Case(When(credential_set=DEFAULT_SET, then=0), default=1)
    for row in rows.order_by("environment", "integration_key", is_named, "credential_set"):
        environment = Environment(row.environment)
        yield Found(
            label=f"{connection_title(row)} ({environment.label})",
            kind="Integration",
            href=reverse("integration", args=[project.public_id, environment, row.connection]),
        )


def _named(project: Project, rows: _Rows, words: list[str]) -> list[Found]:
    found = rows.model._default_manager.filter(project=project)
    for word in words:
        found = found.filter(name__icontains=word)
    return [
        Found(label=name, kind=rows.kind, href=reverse(rows.page, args=[project.public_id, pk]))
        for pk, name in found.order_by("name").values_list("pk", "name")[:EACH_MAX]
    ]


def _fits(label: str, words: list[str]) -> bool:
    """Say whether each word begins a word of the label."""
    parts = label.casefold().replace("(", " ").split()
    return all(any(part.startswith(word) for part in parts) for word in words)
