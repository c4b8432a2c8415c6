"""Open handoffs as the console has them, what is done to them, and what the audit keeps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from handoffs.models import Delivery, Handoff
from handoffs.states import State
from integrations.models import AuditEntry, Project
from tests import factories


def opened(project: Project, state: State = State.ACTIVE) -> Handoff:
    return factories.handoff(factories.conversation(factories.channel(project)), state=state)


def aged(handoff: Handoff, *fields: str, seconds: int) -> Handoff:
    past = timezone.now() - timedelta(seconds=seconds)
    Handoff.objects.filter(pk=handoff.pk).update(**dict.fromkeys(fields, past))
    return handoff


def unsent(handoff: Handoff, status: str = Delivery.Status.PENDING, seconds: int = 0) -> Delivery:
    event = factories.said(handoff.conversation, "My parcel is lost")
    created = timezone.now() - timedelta(seconds=seconds)
    return Delivery.objects.create(
        handoff=handoff,
        event=event,
        sequence=event.sequence,
        status=status,
        created_at=created,
        error_code="cannot_connect" if status == Delivery.Status.FAILED else "",
    )


def audited() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def act(client: Client, project: Project, name: str, *handoffs: Handoff) -> Any:
    data = {"act": name, "handoff": [handoff.pk for handoff in handoffs]}
    return client.post(reverse("live_act", args=[project.public_id]), data, follow=True)
