"""The step Give to vendor: addresses to copy, secrets made and shown once, a key pair."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from integrations.connect.secret_making import integration_secret_make, shown_values_ensure
from integrations.connect.steps import Step, key_pair_view, needs_key_pair
from integrations.connect.views.page import ConnectFlow, flow_at, flow_view
from integrations.connections.addresses import webhook_urls
from integrations.connections.drafts import edited_values
from integrations.connections.services import integration_draft_save
from integrations.contract.manifest import GeneratedKeyPair, GeneratedKind, GeneratedValue
from integrations.contract.registry import connector_class
from integrations.credentials.cleaning import mask, mode_of
from integrations.credentials.generated_values import SHOWN_KINDS, generated_for, previous_until
from integrations.credentials.key_pairs import key_id_suggestion, private_key_generate
from integrations.models import ConnectionName, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretView:
    """A secret on the page: its end, or all of it in the answer to the click that made it."""

    made: GeneratedValue
    shown: str = field(default="", repr=False)
    masked: str = ""
    previous_until: datetime | None = None


@never_cache
@flow_view
def connect_give(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Show what the vendor needs from us; make a secret or a key pair on demand."""
    flow = flow_at(request, project, environment, connection, Step.GIVE)
    made = {item.name for item in _of_kind(flow, GeneratedKind.SECRET)}
    if (name := request.POST.get("make", "")) in made:
        row = flow.row()
        secret = integration_secret_make(integration=row, name=name, actor=request.user)
        return _page(flow, shown={name: secret})
    if request.method == "POST" and (pair := flow.manifest.key_pair) is not None:
        _make_key_pair(flow, pair)
        return flow.go_to(Step.GIVE)
    return _page(flow, shown={})


def _page(flow: ConnectFlow, *, shown: dict[str, str]) -> HttpResponse:
    needs_row = _of_kind(flow, *SHOWN_KINDS, GeneratedKind.WEBHOOK_URL)
    row = flow.row() if needs_row else flow.row_or_none()
    if row is not None:
        shown_values_ensure(row, mode_of(flow.manifest, edited_values(row)))
    values = flow.values()
    addresses = _of_kind(flow, GeneratedKind.WEBHOOK_URL)
    urls = webhook_urls(row) if row is not None and addresses else {}
    is_key_needed = needs_key_pair(flow.manifest, values)
    return flow.page(
        addresses=[(item, urls[item.name]) for item in addresses],
        ids=[(i, values[i.name]) for i in _of_kind(flow, *SHOWN_KINDS)],
        secrets=[
            SecretView(
                made=item,
                shown=shown.get(item.name, ""),
                masked=mask(values.get(item.name, "")),
                previous_until=previous_until(values, item.name),
            )
            for item in _of_kind(flow, GeneratedKind.SECRET)
        ],
        documents=connector_class(flow.manifest.key).vendor_documents(values),
        is_key_needed=is_key_needed,
        key_pair=key_pair_view(flow.manifest, values) if is_key_needed else None,
    )


def _of_kind(flow: ConnectFlow, *kinds: GeneratedKind) -> list[GeneratedValue]:
    return generated_for(flow.manifest, mode_of(flow.manifest, flow.values()), *kinds)


def _make_key_pair(flow: ConnectFlow, pair: GeneratedKeyPair) -> None:
    private = private_key_generate()
    values = {pair.private_key_field: private, pair.key_id_field: key_id_suggestion(private)}
    integration_draft_save(integration=flow.row(), values=values)
    messages.success(
        flow.request, f"A key pair was made. Register its public key at {flow.manifest.name}."
    )
