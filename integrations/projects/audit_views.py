"""Settings > Audit: who changed what, when; to be narrowed and taken away as a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
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

# What actions begin with, and how people call it.
GROUPS = {
    "integration": "Integrations",
    "topic": "Topics",
    "tool": "Tools",
    "flow": "Flows",
    "destination": "Destinations",
    "variant": "Variants",
    "release": "Releases",
    "secret": "Secrets",
    "api_key": "API keys",
    "webhook": "Webhooks",
    "widget": "Widget",
    "handoff": "Handoffs",
    "conversation": "Conversations",
    "member": "Members",
    "invitation": "Invitations",
    "second_factor": "Second factor",
    "sign_in": "Sign-in",
    "session": "Sessions",
    "project": "Project",
    "audit": "Audit",
}
_WORDS = {"api key": "API key", "tool api": "Tool API"}
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
    here = Q(project=project) | Q(project=None, workspace=project.workspace)
    rows = AuditEntry.objects.filter(here).select_related("project")
    if wanted.who:
        rows = rows.filter(actor_label__istartswith=wanted.who)
    if wanted.group:
        rows = rows.filter(action__startswith=f"{wanted.group}")
    if wanted.since:
        rows = rows.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        rows = rows.filter(at__lt=_midnight(wanted.until) + timedelta(days=1))
    return rows


def action_words(action: str) -> str:
    """Return an action as people say it: `api_key.rotated` is API key rotated."""
    thing, _, deed = action.replace("_", " ").partition(".")
    return f"{_WORDS.get(thing, thing.capitalize())} {deed}".strip()


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
        "groups": GROUPS.items(),
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
