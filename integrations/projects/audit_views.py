"""Settings > Audit: who changed what, when; to be narrowed and taken away as a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_POST

from integrations.models import Area, AuditEntry, Project
from integrations.projects.access import may_read, project_view
from integrations.projects.audit import audit_record
from integrations.projects.lists.export import EXPORTED_MAX, export_response
from integrations.projects.lists.paging import count_to, keyset_page

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
        ("conversation", "conversations", "tag", "note", "list_view"),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What the list is narrowed to; empty values narrow nothing."""

    who: str = ""
    group: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def read(cls, given: Any) -> AuditFilter:
        """Take what an address asks for; what nobody offers is ignored."""
        group = given.get("group", "")
        return cls(
            who=given.get("who", "").replace("\x00", "").strip()[:150],
            group=group if group in GROUPS else "",
            since=_day(given.get("since", "")),
            until=_day(given.get("until", "")),
        )


def audit_list(project: Project, wanted: AuditFilter) -> QuerySet[AuditEntry]:
    """Return what was done in the project and in its workspace as a whole."""
    here = Q(project=project) | Q(project=None)
    of_workspace = AuditEntry.objects.filter(here, workspace=project.workspace_id)
    rows = of_workspace.select_related("project")
    if wanted.who:
        rows = rows.filter(actor_label__istartswith=wanted.who)
    if wanted.group:
        things = (Q(action__startswith=f"{thing}.") for thing in GROUPS[wanted.group][1])
        rows = rows.filter(reduce(or_, things))
    if wanted.since:
        rows = rows.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        rows = rows.filter(at__lt=_midnight(wanted.until) + timedelta(days=1))
    return rows


def action_words(action: str) -> str:
    """Return an action as people say it: `api_key.rotated` is API key rotated."""
    thing, _, deed = action.partition(".")
    plain = thing.replace("_", " ")
    said = f"{_THINGS.get(plain, plain.capitalize())} {deed.replace('_', ' ')}".strip()
    return _PHRASES.get((thing, deed), said)


@require_GET
@project_view(Area.AUDIT)
def audit(request: HttpRequest, project: Project) -> HttpResponse:
    """List the entries, newest first."""
    wanted = AuditFilter.read(request.GET)
    entries = audit_list(project, wanted)
    page = keyset_page(entries, by="at", cursor=request.GET.get("cursor", ""))
    context = {
        "page": page,
        "rows": [(entry, action_words(entry.action)) for entry in page.rows],
        "count": count_to(entries),
        "groups": [(name, label) for name, (label, _) in GROUPS.items()],
        "wanted": wanted,
        "is_filtered": any(asdict(wanted).values()),
        "query": urlencode({name: value for name, value in asdict(wanted).items() if value}),
        "exported_max": EXPORTED_MAX,
        "may_see_members": may_read(request, Area.ACCOUNT),
    }
    return render(request, "integrations/audit.html", context)


@require_POST
@project_view(Area.AUDIT, to_change=False)
def audit_export(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Answer with the entries of the page's filter as a file; that they were taken is an entry."""
    wanted = AuditFilter.read(request.POST)
    entries = audit_list(project, wanted).order_by("-at", "-pk")[:EXPORTED_MAX]
    used = [name for name, value in asdict(wanted).items() if value]
    audit_record(
        project=project, actor=request.user, action="audit.exported", subject="", fields=used
    )
    rows = (_row(entry) for entry in entries.iterator(chunk_size=500))
    return export_response(request, "audit", request.POST.get("format", ""), COLUMNS, rows)


def _row(entry: AuditEntry) -> dict[str, object]:
    return {
        "at": entry.at.isoformat(),
        "who": entry.actor_name or "Baton",
        "action": entry.action,
        "subject": entry.subject,
        "fields": entry.fields,
        "project": entry.project.public_id if entry.project else "",
    }


def _day(text: str) -> str:
    try:
        day = parse_date(text)
    except ValueError:
        return ""
    return day.isoformat() if day and day.year > 1900 else ""


def _midnight(day: str) -> datetime:
    return timezone.make_aware(datetime.combine(datetime.fromisoformat(day), time.min))
