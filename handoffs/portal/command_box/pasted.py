"""What an id that was pasted whole belongs to: one look-up by an index for each kind of id."""

from __future__ import annotations

import uuid

from conversations.models import Conversation
from handoffs.models import Handoff
from integrations.models import Project, VendorCall
from integrations.models.identifiers import HANDOFF_PREFIX

ID_MIN, ID_MAX = 6, 255
_CALLS_MAX = 20


def handoff_of_id(project: Project, text: str) -> Handoff | None:
    """Return the newest handoff that bears this id: its own, the vendor's or a request's."""
    own = Handoff.objects.filter(project=project).only("pk", "requested_at").order_by()
    if text.upper().startswith(HANDOFF_PREFIX):
        return own.filter(pk=HANDOFF_PREFIX + text[len(HANDOFF_PREFIX) :].lower()).first()
    for name in ("vendor_conversation_id", "correlation_id", "shared_id"):
        if found := _newest(list(own.filter(**{name: text}))):
            return found
    return _handoff_of_call(project, text)


def conversation_of_id(project: Project, text: str) -> str:
    """Return the id of the conversation that bears this one, its session's too; else nothing."""
    rows = Conversation.objects.filter(project=project)
    if text.upper().startswith("CONV-"):
        found = rows.filter(pk="CONV-" + text[5:].lower())
    else:
        try:
            found = rows.filter(session_id=uuid.UUID(text))
        except ValueError:
            return ""
    return found.values_list("pk", flat=True).first() or ""


def _handoff_of_call(project: Project, text: str) -> Handoff | None:
    """Return the handoff for which a vendor was called under this correlation id."""
    calls = VendorCall.objects.filter(correlation_id=text).order_by()
    ids = set(calls.values_list("reference", flat=True)[:_CALLS_MAX])
    return _newest(list(Handoff.objects.filter(project=project, pk__in=ids)))


def _newest(rows: list[Handoff]) -> Handoff | None:
    return max(rows, key=lambda row: row.requested_at, default=None)
