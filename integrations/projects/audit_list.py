"""Settings > Audit: who changed what, when; one filter and one list for the page and its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet

from integrations.models import AuditEntry, Project
from integrations.projects.lists.filters import (
    PERIODS,
    Chip,
    ListFilter,
    asked_read,
    chips,
    span_read,
)
from integrations.projects.lists.paging import newest_chunks

# What one may ask for: its label, and what comes before the point in the actions that it holds.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "integration": ("Integrations", ("integration", "alerts", "relay_worker")),
    "topic": ("Topics", ("topic",)),
    "tool": ("Tools", ("tool", "tool_api", "tool_values")),
    "flow": ("Flows", ("flow",)),
    "destination": ("Destinations", ("destination",)),
    "variant": ("Variants", ("variant",)),
    "outside_agent": ("AI agent and safety", ("outside_agent", "safety")),
    "release": ("Releases", ("release",)),
    "secret": ("Secrets", ("secret",)),
    "api_key": ("API keys", ("api_key",)),
    "webhook": ("Webhooks", ("webhook",)),
    "channel": ("Widgets and words", ("channel", "wording")),
    "handoff": ("Handoffs", ("handoff", "handoffs", "analytics")),
    "conversation": (
        "Conversations",
        ("conversation", "conversations", "log", "tag", "note", "list_view"),
    ),
    "end_user": (
        "Erasure, export, holds, retention",
        ("end_user", "erasure", "hold", "retention"),
    ),
    "member": ("Members", ("member",)),
    "invitation": ("Invitations", ("invitation",)),
    "second_factor": ("Second factor", ("second_factor",)),
    "passkey": ("Passkeys", ("passkey",)),
    "sign_in": ("Sign-in", ("sign_in",)),
    "session": ("Sessions", ("session",)),
    "project": ("Project", ("project",)),
    "audit": ("Audit", ("audit",)),
}
_THINGS = {"api key": "API key", "tool api": "Tool API", "hold": "Legal hold"}
# Where thing and deed, one after the other, do not say it.
_PHRASES = {
    ("handoff", "bundled"): "Support bundle taken",
    ("integration", "test_handoff"): "Integration tested by a handoff",
    ("release", "follow_draft"): "Environment set to follow the draft",
    ("release", "promote"): "Release promoted",
    ("release", "publish"): "Release published",
    ("release", "roll_back"): "Release rolled back",
    ("project", "workspace_renamed"): "Workspace renamed",
    ("member", "refused"): "Decision about a member refused",
    ("member", "exported"): "List of members exported",
    ("passkey", "copied"): "Passkey refused: it may be a copy",
    ("passkey", "signed_in"): "Signed in by passkey",
    ("second_factor", "codes_renewed"): "Recovery codes renewed",
    ("second_factor", "recovery_code_used"): "Recovery code used",
    ("session", "all_ended"): "All sessions ended",
    ("session", "idle_ended"): "Session ended for idleness",
    ("session", "others_ended"): "All other sessions ended",
    ("session", "password_changed"): "Password changed",
    ("sign_in", "linked"): "Single sign-on linked",
    ("tag", "put"): "Tag put on",
    ("tag", "taken"): "Tag taken off",
}
COLUMNS = ("at", "who", "action", "subject", "fields", "project")
NAMES = ("who", "group", "subject", "period", "from", "to")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter(ListFilter):
    """What the list is narrowed to, as it stands in the address."""

    @classmethod
    def read(cls, asked: Mapping[str, str], zone: tzinfo = UTC) -> AuditFilter:
        """Take what an address asks for; a choice that nobody offers narrows nothing."""
        given = asked_read(asked, NAMES, {"group": GROUPS, "period": PERIODS})
        return cls(given=given, span=span_read(given, zone), zone=zone)


def audit_list(project: Project, wanted: AuditFilter) -> QuerySet[AuditEntry]:
    """Return what was done in the project and in its workspace as a whole."""
    here = Q(project=project) | Q(project=None)
    of_workspace = AuditEntry.objects.filter(here, workspace=project.workspace_id)
    rows = of_workspace.select_related("project")
    if who := wanted.given["who"]:
        rows = rows.filter(actor_label__istartswith=who)
    if subject := wanted.given["subject"]:
        rows = rows.filter(subject__icontains=subject)
    if group := wanted.given["group"]:
        things = (Q(action__startswith=f"{thing}.") for thing in GROUPS[group][1])
        rows = rows.filter(reduce(or_, things))
    return rows.filter(wanted.within_days("at"))


def audit_chips(wanted: AuditFilter) -> list[Chip]:
    """Return what is on, each with the address without it."""
    given = wanted.given
    shown = {
        "who": ("Who", given["who"]),
        "group": ("What", GROUPS.get(given["group"], ("",))[0]),
        "subject": ("To what", given["subject"]),
        "period": ("When", PERIODS.get(given["period"], ("", 0))[0]),
        "from": ("From", given["from"]),
        "to": ("To", given["to"]),
    }
    return chips(shown, wanted.query)


def action_words(action: str) -> str:
    """Return an action as people say it: `api_key.rotated` is API key rotated."""
    thing, _, deed = action.partition(".")
    plain = thing.replace("_", " ")
    said = f"{_THINGS.get(plain, plain.capitalize())} {deed.replace('_', ' ')}".strip()
    return _PHRASES.get((thing, deed), said)


def exported_audit(
    entries: QuerySet[AuditEntry], project: Project, limit: int
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file of the audit, the newest first."""
    for chunk in newest_chunks(entries, "at", limit):
        for entry in chunk:
            yield {
                "at": entry.at.isoformat(),
                "who": entry.actor_name or "Baton",
                "action": entry.action,
                "subject": entry.subject,
                "fields": entry.fields,
                "project": entry.project.public_id if entry.project else "",
            }
