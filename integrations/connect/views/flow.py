"""The Connect flow: one address for each step, so that it can be left and resumed."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from integrations.behaviour.channels import (
    CHANNELS,
    channel_takers,
    channel_takers_set,
    channels_of,
    integration_channels_set,
)
from integrations.behaviour.fallback import fallback_choices
from integrations.behaviour.settings import BehaviourForm, behaviour_of
from integrations.connect.copying import copy_sources, draft_copy
from integrations.connect.forms import ConnectForm
from integrations.connect.steps import (
    Step,
    channel_views,
    check_views,
    is_complete,
    missing_secrets,
)
from integrations.connect.views.page import ConnectFlow, flow_at, flow_view
from integrations.connect.views.tiles import integration_or_404, integration_or_none
from integrations.connections.destinations import connection_title, live_agent_rivals
from integrations.connections.drafts import draft_of
from integrations.connections.exclusive import exclusive_errors
from integrations.connections.services import (
    DraftIncompleteError,
    NotTestedError,
    SetInUseError,
    integration_behaviour_save,
    integration_connect,
    integration_default_set,
    integration_draft_save,
)
from integrations.contract.manifest import Manifest
from integrations.contract.registry import manifest_get, manifest_with
from integrations.contract.tiles import ConnectionType
from integrations.credentials.cleaning import mode_of
from integrations.kit.json_values import count_read
from integrations.models import ConnectionName, Environment, Integration, Project


@flow_view
def connect_before(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Show the prerequisites and the connection type; keep what was ticked and chosen."""
    flow = flow_at(request, project, environment, connection, Step.BEFORE)
    if request.method == "POST":
        chosen = {one.name: one for one in flow.types()}.get(
            request.POST.get("connection_type", "")
        )
        if chosen is not None and chosen.connector.key != flow.manifest.key:
            return _change_type(flow, chosen)
        field = flow.manifest.mode_field
        confirmed = _counts(request.POST.getlist("confirmed"))
        values = {field: chosen.mode} if chosen and field else None
        integration_draft_save(integration=flow.row(), confirmed=confirmed, values=values)
        return flow.go_to(Step.GIVE)
    row_or_none = integration_or_none(project, environment, connection)
    return flow.page(
        shown_type=f"{flow.manifest.key}:{mode_of(flow.manifest, flow.values())}",
        confirmed=list(draft_of(row_or_none).confirmed) if row_or_none else [],
    )


def _change_type(flow: ConnectFlow, chosen: ConnectionType) -> HttpResponse:
    """Begin the set anew with another connector of the tile, or say that it is in use."""
    other = flow.with_connector(chosen.connector)
    try:
        row = other.row()
    except SetInUseError as error:
        connection = error.integration.connection
        messages.error(
            flow.request,
            f"The set “{connection.credential_set}” is connected as "
            f"{manifest_get(connection.connector_key).name}. Disconnect it first, or connect "
            "another set under a name of its own.",
        )
        return flow.go_to(Step.BEFORE)
    field = chosen.connector.mode_field
    integration_draft_save(integration=row, values={field: chosen.mode} if field else None)
    return other.go_to(Step.BEFORE)


@flow_view
def connect_values(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Show and take the vendor's values."""
    flow = flow_at(request, project, environment, connection, Step.VALUES)
    stored = flow.values()
    form = ConnectForm(flow.manifest, stored=stored, data=flow.posted())
    if form.is_valid():
        for name, error in exclusive_errors(flow.row(), flow.manifest, form.cleaned.values).items():
            form.add_error(name, error)
    sources = copy_sources(project, environment, connection)
    if form.is_valid():
        integration_draft_save(integration=flow.row(), values=form.cleaned.values)
        for notice in form.cleaned.notices:
            messages.info(request, notice)
        return flow.go_to(Step.TEST)
    if request.method != "POST":
        return flow.page(form=form, sources=sources)
    # Nothing is kept of a refused form but good secrets, which the page cannot give back.
    if secrets := form.accepted_secrets():
        integration_draft_save(integration=flow.row(), values=secrets)
    return flow.page(
        form=form.without_secrets(), notices=form.cleaned.notices, sources=sources, status=422
    )


@require_POST
@flow_view
def connect_copy(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Take over what is not secret from another environment."""
    flow = flow_at(request, project, environment, connection, Step.VALUES)
    source = integration_or_none(project, request.POST.get("source", ""), connection)
    if source is None or source.environment == environment:
        messages.error(request, "There is nothing to copy from.")
        return flow.go_to(Step.VALUES)
    count = draft_copy(integration=flow.row(), source=source, actor=request.user)
    label = Environment(source.environment).label
    messages.success(
        request,
        f"{count} values were copied from {label}. Secrets, and what each environment has for "
        "itself, stay to be entered.",
    )
    return flow.go_to(Step.VALUES)


@flow_view
def connect_test(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Show the check list; the test itself runs under its own address."""
    flow = flow_at(request, project, environment, connection, Step.TEST)
    row = integration_or_none(project, environment, connection)
    if row is None or not is_complete(flow.manifest, row):
        return flow.go_to(Step.VALUES)
    if missing := missing_secrets(flow.manifest, row):
        messages.error(
            request, f"Make the {missing[0]} first, and paste it at {flow.manifest.name}."
        )
        return flow.go_to(Step.GIVE)
    draft = draft_of(row)
    return flow.page(
        test=draft.test,
        checks=check_views(flow.manifest, draft.test),
        is_edited=row.status == Integration.Status.NOT_CONNECTED or draft.is_edited,
    )


@require_POST
@flow_view
def connect_save(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Connect with the draft; a failed or missing test needs *Save anyway*."""
    flow = flow_at(request, project, environment, connection, Step.TEST)
    row = integration_or_none(project, environment, connection)
    if row is None:
        return flow.go_to(Step.VALUES)
    try:
        saved = integration_connect(
            integration=row, actor=request.user, save_anyway="save_anyway" in request.POST
        )
    except DraftIncompleteError as error:
        for sentence in error.errors.values():
            messages.error(request, sentence)
        return flow.go_to(Step.VALUES)
    except NotTestedError:
        messages.error(request, "These values have not passed the test. Test them, or save anyway.")
        return flow.go_to(Step.TEST)
    _tell_outcome(request, saved, flow.manifest)
    return flow.go_to(Step.BEHAVIOUR)


@flow_view
def connect_behaviour(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Show and take the behaviour of a connected integration."""
    flow = flow_at(request, project, environment, connection, Step.BEHAVIOUR)
    row = integration_or_404(project, environment, connection)
    rivals = live_agent_rivals(row) if flow.manifest.takes_live_chats else []
    narrowed = manifest_with(row.connector_key, row.credentials)
    form = BehaviourForm(
        narrowed, behaviour_of(row), data=flow.posted(), fallbacks=fallback_choices(row)
    )
    if flow.manifest.channel:
        return _channel_behaviour(flow, row)
    if form.is_valid():
        integration_behaviour_save(integration=row, values=form.cleaned_data, actor=request.user)
        if rivals:
            is_default = "default_agent_system" in request.POST
            integration_default_set(integration=row, is_default=is_default, actor=request.user)
            channels = request.POST.getlist("channels")
            integration_channels_set(integration=row, channels=channels, actor=request.user)
        messages.success(request, "Behaviour saved. It holds for new handoffs.")
        return flow.go_to(Step.DONE)
    status = 422 if form.errors else 200
    return flow.page(
        form=form,
        channels=channel_views(row, rivals),
        overrides=", ".join(flow.manifest.override_hints),
        status=status,
    )


def _channel_behaviour(flow: ConnectFlow, row: Integration) -> HttpResponse:
    """Show and take where the handoffs of a channel go that name no integration."""
    channel = flow.manifest.channel
    if flow.request.method == "POST":
        chosen = _counts(flow.request.POST.getlist("takers"))
        channel_takers_set(of=row, channel=channel, chosen=chosen, actor=flow.request.user)
        messages.success(flow.request, "Behaviour saved. It holds for new handoffs.")
        return flow.go_to(Step.DONE)
    takers = [(one, channel in channels_of(one)) for one in channel_takers(row)]
    return flow.page(
        channel=CHANNELS[channel],
        takers=[(one.pk, connection_title(one), is_taken) for one, is_taken in takers],
    )


def _tell_outcome(request: HttpRequest, row: Integration, manifest: Manifest) -> None:
    if row.status == Integration.Status.CONNECTED:
        messages.success(request, f"{manifest.tile} is connected.")
    else:
        messages.warning(request, f"{manifest.tile} is saved and needs attention.")


def _counts(texts: Iterable[str]) -> list[int]:
    """Return the numbers of ticked boxes; what is none is left out."""
    return [number for text in texts if (number := count_read(text)) is not None]
