"""The lists that share a bar, views that are kept, files and acts on many rows; one row each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from handoffs.portal.conversations.exporting import export_columns, exported_rows
from handoffs.portal.conversations.listing import (
    ConversationFilter,
    conversation_list,
    conversations_counted,
    filter_chips,
)
from handoffs.portal.conversations.search_query import QueryError
from handoffs.portal.lists.handoff_list import (
    COLUMNS,
    HandoffFilter,
    exported_handoffs,
    handoff_chips,
    handoff_list,
    handoffs_counted,
)
from handoffs.portal.lists.log_list import COLUMNS as LOG_COLUMNS
from handoffs.portal.lists.log_list import LogFilter, exported_log, log_chips, log_list
from integrations.entry.account.confirming import asked_before_export
from integrations.models import Access, Area, Project
from integrations.projects.access import project_for
from integrations.projects.audit import audit_record
from integrations.projects.audit_list import COLUMNS as AUDIT_COLUMNS
from integrations.projects.audit_list import AuditFilter, audit_chips, audit_list, exported_audit
from integrations.projects.lists.bar import Narrowest, narrowest
from integrations.projects.lists.export import EXPORTED_MAX, export_response
from integrations.projects.lists.filters import Chip
from integrations.projects.lists.paging import Count, KeysetPage, count_to, page_count

# So far the rows are counted that would be there without one of the filters.
COUNTED_WITHOUT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """A list by its filter, its rows and its columns, whoever asks: page, count, file or task."""

    name: str
    # What its page is called among the addresses.
    view: str
    nouns: tuple[str, str]
    area: Area = Area.CONVERSATIONS
    # The time by which its rows stand, and by which they are counted where one table has them all.
    by: str
    counted_by: str = ""
    has_acts: bool = False
    read: Callable[[Mapping[str, str], Any], Any]
    rows: Callable[[Project, Any, bool], QuerySet[Any]]
    # The same rows where only their number matters, if the database counts others quicker.
    counted: Callable[[Project, Any, bool], QuerySet[Any]] | None = None
    chips: Callable[[Any, Project], list[Chip]]
    columns: Callable[[bool], Sequence[str]]
    exported: Callable[[QuerySet[Any], Project, int], Iterator[dict[str, Any]]]

    @property
    def export_view(self) -> str:
        """Return the name of the address of its file."""
        return f"{self.view}_export"

    def in_words(self, count: Count) -> str:
        """Return a number of rows in words."""
        return f"{count} {self.nouns[count.number != 1]}"

    def wanted(self, project: Project, query: str) -> Any:
        """Return the filter of an address; raises QueryError for a search that cannot be read."""
        return self.read(dict(parse_qsl(query[:4000])), project.zone)

    def found(self, project: Project, query: str, *, shows_people: bool) -> QuerySet[Any]:
        """Return the rows of an address."""
        return self.rows(project, self.wanted(project, query), shows_people)

    def count(
        self, project: Project, wanted: Any, page: KeysetPage[Any], *, shows_people: bool
    ) -> Count:
        """Return how many rows there are, of which a page is known."""
        rows = self._counted(project, wanted, shows_people)
        return page_count(page, rows, by=self.counted_by)

    def count_all(self, project: Project, wanted: Any, *, shows_people: bool) -> Count:
        """Return how many rows there are, where no page of them is known."""
        return count_to(self._counted(project, wanted, shows_people), by=self.counted_by)

    def _counted(self, project: Project, wanted: Any, shows_people: bool) -> QuerySet[Any]:
        return (self.counted or self.rows)(project, wanted, shows_people)

    def plain_query(self, project: Project, query: str) -> str:
        """Return the filters of an address alone, as the page itself writes them."""
        return urlencode(self.wanted(project, query).query)

    def narrowest(
        self, project: Project, chips: Sequence[Chip], *, shows_people: bool
    ) -> Narrowest | None:
        """Return which filter to take away where nothing fits."""

        def count_without(query: str) -> Count:
            found = self._counted(project, self.wanted(project, query), shows_people)
            return count_to(found, COUNTED_WITHOUT)

        return narrowest(chips, count_without)


def _handoffs(project: Project, wanted: HandoffFilter, shows_people: bool) -> QuerySet[Any]:
    return handoff_list(project=project, wanted=wanted, sees_personal_data=shows_people)


def _conversations(
    project: Project, wanted: ConversationFilter, shows_people: bool
) -> QuerySet[Any]:
    return conversation_list(project, wanted, sees_personal_data=shows_people)


def _audit(project: Project, wanted: AuditFilter, shows_people: bool) -> QuerySet[Any]:
    return audit_list(project, wanted)


PAGES = {
    page.name: page
    for page in (
        ListPage(
            name="conversations",
            view="conversations",
            nouns=("conversation", "conversations"),
            by="started_at",
            has_acts=True,
            read=ConversationFilter.read,
            rows=_conversations,
            counted=lambda project, wanted, shows_people: conversations_counted(
                project, wanted, sees_personal_data=shows_people
            ),
            chips=lambda wanted, _: filter_chips(wanted),
            columns=lambda shows_people: export_columns(sees_personal_data=shows_people),
            exported=exported_rows,
        ),
        ListPage(
            name="handoffs",
            view="handoffs",
            nouns=("handoff", "handoffs"),
            by="requested_at",
            has_acts=True,
            read=HandoffFilter.read,
            rows=_handoffs,
            counted=lambda project, wanted, shows_people: handoffs_counted(
                project, wanted, sees_personal_data=shows_people
            ),
            chips=handoff_chips,
            columns=lambda _: COLUMNS,
            exported=exported_handoffs,
        ),
        ListPage(
            name="log",
            view="project_log",
            nouns=("entry", "entries"),
            by="at",
            counted_by="at",
            read=LogFilter.read,
            rows=log_list,
            chips=lambda wanted, _: log_chips(wanted),
            columns=lambda _: LOG_COLUMNS,
            exported=exported_log,
        ),
        ListPage(
            name="audit",
            view="audit",
            nouns=("entry", "entries"),
            area=Area.AUDIT,
            by="at",
            counted_by="at",
            read=AuditFilter.read,
            rows=_audit,
            chips=lambda wanted, _: audit_chips(wanted),
            columns=lambda _: AUDIT_COLUMNS,
            exported=exported_audit,
        ),
    )
}


def list_export(
    request: HttpRequest, project: Project, page: str, *, shows_people: bool
) -> HttpResponseBase:
    """Answer with a list as a file, and note who took it; it names people only when confirmed."""
    if shows_people and (asked := asked_before_export(request)):
        return asked
    list_page = PAGES[page]
    try:
        wanted = list_page.read(request.GET.dict(), project.zone)
    except QueryError as problem:
        return HttpResponse(str(problem), status=400, content_type="text/plain; charset=utf-8")
    found = list_page.rows(project, wanted, shows_people)
    audit_record(
        project=project,
        actor=request.user,
        action=f"{page}.exported",
        subject=list_page.in_words(list_page.count_all(project, wanted, shows_people=shows_people)),
        fields=wanted.query,
    )
    exported = list_page.exported(found, project, EXPORTED_MAX)
    columns = list_page.columns(shows_people)
    return export_response(request, page, request.GET.get("format", ""), columns, exported)


def page_named(name: str) -> ListPage:
    """Return a list by its name; raises Http404."""
    if name not in PAGES:
        raise Http404("There is no such list.")
    return PAGES[name]


def list_enter(request: HttpRequest, project_id: str, name: str) -> tuple[Project, ListPage]:
    """Return the project and the list, to a member who may read what the list shows."""
    list_page = page_named(name)
    return project_for(request, project_id, list_page.area, Access.READ), list_page


def list_address(project: Project, page: str, query: str = "") -> str:
    """Return where a list with these filters stands."""
    path = reverse(PAGES[page].view, args=[project.public_id])
    return urlsplit(path)._replace(query=query).geturl()
