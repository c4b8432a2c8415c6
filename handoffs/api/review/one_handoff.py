"""One handoff over REST: its timeline as the page tells it, and its support bundle."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.access import project_open
from conversations.api.errors import EnvelopeView, RefusedError
from conversations.api.schema import ACCOUNT_AND_PROJECT, answer
from handoffs.api.conversation_schema import API
from handoffs.models import Handoff
from handoffs.portal.one_handoff.bundle import bundle_of
from handoffs.portal.one_handoff.entries import Entry, Kind
from handoffs.portal.one_handoff.timeline import timeline_get
from integrations.models import ApiKey
from integrations.projects.audit import audit_record

REQUESTS_PER_MINUTE = 60
_HANDOFF = OpenApiParameter(
    "handoff_id", location=OpenApiParameter.PATH, description="Of this project."
)


class TimelineMoment(serializers.Serializer[Any]):
    """One moment: what happened, when, and whether it is a problem."""

    at = serializers.DateTimeField()
    kind = serializers.ChoiceField([kind.value for kind in Kind])
    title = serializers.CharField()
    text = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)
    meta = serializers.ListField(child=serializers.CharField())
    is_problem = serializers.BooleanField()


@extend_schema_serializer(component_name="TimelineOut")
class TimelineOut(serializers.Serializer[Any]):
    """The moments of a handoff, oldest first."""

    moments = TimelineMoment(many=True)
    is_cut = serializers.BooleanField()


@extend_schema_serializer(component_name="SupportBundleOut")
class SupportBundleOut(serializers.Serializer[Any]):
    """Times, states, codes, versions and settings; no secret, no text and no name."""

    made_at = serializers.DateTimeField()
    versions = serializers.DictField(child=serializers.CharField())
    handoff = serializers.DictField()
    integration = serializers.DictField(allow_null=True)
    transitions = serializers.ListField(child=serializers.DictField())
    attempts = serializers.ListField(child=serializers.DictField())
    journal = serializers.ListField(child=serializers.DictField())
    deliveries = serializers.ListField(child=serializers.DictField())
    vendor_events = serializers.ListField(child=serializers.DictField())
    vendor_calls = serializers.ListField(child=serializers.DictField())


_TIME = "2026-11-20T09:30:00+00:00"
_TIMELINE_EXAMPLE = OpenApiExample(
    "What was said first",
    value={
        "moments": [
            {
                "at": _TIME,
                "kind": "said",
                "title": "End user",
                "text": "Where is my parcel?",
                "note": "",
                "meta": [],
                "is_problem": False,
            }
        ],
        "is_cut": False,
    },
)
_BUNDLE_EXAMPLE = OpenApiExample(
    "A handoff that was answered",
    value={
        "made_at": _TIME,
        "versions": {"python": "3.11.7", "django": "5.2.19", "database": "postgresql"},
        "handoff": {"id": "HOF-0193f2a4-c1d2-7a8e-9b7c-5d3e1f0a2b4c", "state": "ended"},
        "integration": {"environment": "live", "status": "connected"},
        "transitions": [{"at": _TIME, "from": "queued", "to": "active", "trigger": "joined"}],
        "attempts": [],
        "journal": [{"sequence": 4, "type": "USER_MESSAGE", "at": _TIME}],
        "deliveries": [{"sequence": 4, "status": "delivered", "attempts": 1}],
        "vendor_events": [{"kind": "LiveAgentJoined", "received_at": _TIME}],
        "vendor_calls": [{"operation": "send", "status": 200, "duration_ms": 87}],
    },
)


class _View(EnvelopeView):
    """Opens one handoff of the project for a key that may read conversations."""

    def open(self, request: Request, account_id: str, project_id: str, handoff_id: str) -> Any:
        """Return who asks and the handoff; answers 404 where it is not of this project."""
        permission = ApiKey.Permission.CONVERSATIONS
        opened = project_open(
            request, account_id, project_id, permission, limit=REQUESTS_PER_MINUTE
        )
        rows = Handoff.objects.filter(project=opened.project).defer("vendor_session")
        row = rows.select_related("integration", "conversation__project").filter(pk=handoff_id)
        found = row.first()
        if found is None:
            raise RefusedError(404, "NOT_FOUND", "There is no such handoff in this project.")
        return opened, found


class HandoffTimelineView(_View):
    """GET …/handoffs/{handoff_id}/timeline."""

    @API.operation(
        "handoff_timeline_list",
        "Read the timeline of a handoff",
        "Everything that happened in it, as its page tells it: states, what was said, the vendor's "
        "calls and events. The newest 500 of each; `is_cut` says that older ones are left out.",
        parameters=[*ACCOUNT_AND_PROJECT, _HANDOFF],
        gives=answer(TimelineOut, "The moments.", _TIMELINE_EXAMPLE),
        _404="NOT_FOUND",
    )
    def get(self, request: Request, account_id: str, project_id: str, handoff_id: str) -> Response:
        """Answer 404 for a handoff that is not of this project."""
        _, row = self.open(request, account_id, project_id, handoff_id)
        found = timeline_get(handoff=row, may_read_text=True)
        moments = [_moment(entry) for entry in found.entries]
        return Response({"moments": moments, "is_cut": found.is_cut})


class HandoffBundleView(_View):
    """GET …/handoffs/{handoff_id}/bundle."""

    @API.operation(
        "handoff_bundle_retrieve",
        "Read the support bundle of a handoff",
        "For a support case: times, states, codes, versions and settings. It holds no credential, "
        "no message and no name, so that it may be passed on. Taking it is in the audit.",
        parameters=[*ACCOUNT_AND_PROJECT, _HANDOFF],
        gives=answer(SupportBundleOut, "The bundle.", _BUNDLE_EXAMPLE),
        _404="NOT_FOUND",
    )
    def get(self, request: Request, account_id: str, project_id: str, handoff_id: str) -> Response:
        """Answer 404 for a handoff that is not of this project."""
        opened, row = self.open(request, account_id, project_id, handoff_id)
        audit_record(
            project=opened.project, actor=opened.key, action="handoff.bundled", subject=row.pk
        )
        return Response(bundle_of(row))


def _moment(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "kind": entry.kind.value,
        "title": entry.title,
        "text": entry.text,
        "note": entry.note,
        "meta": list(entry.meta),
        "is_problem": entry.is_problem,
    }
