"""What is true of a project's set-up at this moment, read from what is there and has happened."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from conversations.ai_agent.flows.steps import step_read
from conversations.ai_agent.topics.actions import topic_actions
from conversations.models import (
    Conversation,
    Destination,
    Flow,
    OutsideAgent,
    Release,
    Tool,
    Topic,
)
from conversations.widget.page_check import newest_of_own_page
from handoffs.models import Handoff
from integrations.contract.registry import manifests
from integrations.models import Integration, Invitation, Membership, Passkey, Project, SecondFactor

Status = Integration.Status
# Among so many of the newest handoffs one that a live agent joined is looked for.
HANDOFFS_LOOKED_AT = 500
# What a tool writes that leaves the place to the project.
_HANDS_OFF = r"""["']handoff["']\s*:\s*True"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpFacts:
    """Each is a fact that may go again; none is ever ticked by hand."""

    is_connected: bool
    is_green: bool
    is_named: bool
    is_reached: bool
    is_published: bool
    is_seen: bool
    is_answered: bool
    has_colleague: bool
    has_second_factor: bool


def set_up_facts(project: Project, member_id: int) -> SetUpFacts:
    """Return what a project's set-up has come to, and whether the member is well guarded."""
    rows = _integrations(project)
    keys = {key for key, _ in rows}
    row = Project.objects.filter(pk=project.pk).annotate(**_told_at_once(member_id, keys)).get()
    tools = set(_tools_naming(keys).filter(project=project).values_list("name", flat=True))
    is_named = bool(keys) and (bool(tools) or row.has_place)  # type: ignore[attr-defined]
    return SetUpFacts(
        is_connected=bool(rows),
        is_green=any(status == Status.CONNECTED for _, status in rows),
        is_named=is_named,
        is_reached=is_named and (row.is_outside or _is_reached(project, tools)),  # type: ignore[attr-defined]
        is_published=row.is_published,  # type: ignore[attr-defined]
        is_seen=newest_of_own_page(Conversation.objects.filter(project=project)) is not None,
        is_answered=row.is_answered,  # type: ignore[attr-defined]
        has_colleague=row.has_colleague or row.has_invited,  # type: ignore[attr-defined]
        has_second_factor=row.has_second_factor,  # type: ignore[attr-defined]
    )


def _told_at_once(member_id: int, keys: set[str]) -> dict[str, Exists | Q]:
    """Return what one statement can tell."""
    own = {"project": OuterRef("pk")}
    workspace = {"workspace": OuterRef("workspace")}
    members = Membership.objects.filter(**workspace)
    of_project = Handoff.objects.filter(project=OuterRef(OuterRef("pk")))
    newest = of_project.order_by("-requested_at").values("pk")[:HANDOFFS_LOOKED_AT]
    return {
        # One that names no integration goes to the default, which is one of them.
        "has_place": Exists(
            Destination.objects.filter(**own, integration_key__in=["", *sorted(keys)])
        ),
        "is_published": Exists(Release.objects.filter(**own)),
        "is_answered": Exists(Handoff.objects.filter(pk__in=newest, joined_at__isnull=False)),
        "is_outside": Exists(OutsideAgent.objects.filter(**own).exclude(kind="")),
        "has_colleague": Exists(members.order_by("pk")[1:2]),
        "has_second_factor": Exists(
            SecondFactor.objects.filter(user=member_id, confirmed_at__isnull=False)
        )
        | Exists(Passkey.objects.filter(user=member_id)),
        "has_invited": Exists(Invitation.waiting().filter(**workspace)),
    }


def _integrations(project: Project) -> list[tuple[str, str]]:
    """Return key and status of the connections that a live chat can go to."""
    live = [found.key for found in manifests() if found.takes_live_chats]
    rows = Integration.objects.filter(
        project=project,
        connector_key__in=live,
        status__in=(Status.CONNECTED, Status.NEEDS_ATTENTION),
    )
    return list(rows.values_list("integration_key", "status"))


def _tools_naming(keys: set[str]) -> QuerySet[Tool]:
    named = Q(source__regex=_HANDS_OFF) | Q(source__contains="call_handoff")
    for key in keys:
        named |= Q(source__contains=key)
    return Tool.objects.filter(named)


def _is_reached(project: Project, tools: set[str]) -> bool:
    """Say whether a topic or a flow hands off, by itself or through one of these tools."""
    topics = Topic.objects.filter(project=project, is_enabled=True)
    for actions, text in topics.values_list("actions", "actions_text"):
        for action in topic_actions(actions, text):
            if action.kind == "handoff" or (action.kind == "run_tool" and action.target in tools):
                return True
    for steps in Flow.objects.filter(project=project).values_list("steps", flat=True):
        for step in (step_read(raw) for raw in steps if raw.get("name")):
            if step.kind == "handoff" or tools.intersection(step.tools):
                return True
    return False
