"""The Connect flow: one address for each step, so that it can be left and resumed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from integrations.access import project_view
from integrations.behaviour import BehaviourForm, behaviour_of
from integrations.connect_flow import (
    Step,
    check_views,
    is_complete,
    key_pair_view,
    needs_key_pair,
    step_views,
    tool_source,
)
from integrations.connector import Manifest
from integrations.credentials import mode_of
from integrations.forms import ConnectForm
from integrations.models import Access, Area, Environment, Integration, Project
from integrations.pem import key_id_suggestion, private_key_generate
from integrations.registry import manifest_with
from integrations.selectors import live_agent_rivals
from integrations.services import (
    DraftIncompleteError,
    NotTestedError,
    draft_values,
    integration_behaviour_save,
    integration_connect,
    integration_default_set,
    integration_draft_save,
    integration_open,
)
from integrations.verify import verify_steps
from integrations.views import integration_or_404, integration_or_none, manifest_or_404

# A reader has no business in the flow, not even looking.
_view = project_view(Area.INTEGRATIONS, to_read=Access.EDIT)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which flow a request is."""

    request: HttpRequest
    project: Project
    environment: str
    manifest: Manifest
    step: Step

    def row(self) -> Integration:
        """Return the integration, made when the first value is kept."""
        return integration_open(
            project=self.project, environment=self.environment, manifest=self.manifest
        )

    def go_to(self, step: Step) -> HttpResponse:
        """Redirect to a step of the same flow."""
        return redirect(step.url_name, self.project.public_id, self.environment, self.manifest.key)

    def page(self, status: int = 200, **context: Any) -> HttpResponse:
        """Draw the step with its stepper."""
        row = integration_or_none(self.project, self.environment, self.manifest.key)
        shared = {
            "manifest": self.manifest,
            "environment": Environment(self.environment),
            "integration": row,
            "step": self.step,
            "steps": step_views(self.step, row),
        }
        template = f"integrations/connect_{self.step.value}.html"
        return render(self.request, template, shared | context, status=status)


def _place(
    request: HttpRequest, project: Project, environment: str, connector_key: str, step: Step
) -> Place:
    manifest = manifest_or_404(connector_key)
    integration_or_none(project, environment, connector_key)  # an unknown environment is a 404
    return Place(request, project, environment, manifest, step)


def _posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _values(place: Place) -> dict[str, str]:
    row = integration_or_none(place.project, place.environment, place.manifest.key)
    return draft_values(row) if row else {}


@_view
def connect_before(
    request: HttpRequest, project: Project, environment: str, connector_key: str
) -> HttpResponse:
    """Show the prerequisites and the connection type; keep what was ticked and chosen."""
    place = _place(request, project, environment, connector_key, Step.BEFORE)
    if request.method == "POST":
        row = place.row()
        confirmed = [int(n) for n in request.POST.getlist("confirmed") if n.isdecimal()]
        mode = mode_of(place.manifest, {"mode": request.POST.get("mode", "")})
        integration_draft_save(
            integration=row, confirmed=confirmed, values={"mode": mode} if mode else None
        )
        return place.go_to(Step.GIVE)
    row_or_none = integration_or_none(project, environment, connector_key)
    choice = next((f for f in place.manifest.fields if f.name == "mode"), None)
    return place.page(
        choice=choice,
        mode=mode_of(place.manifest, _values(place)),
        confirmed=row_or_none.draft.get("confirmed", []) if row_or_none else [],
    )


@_view
def connect_give(
    request: HttpRequest, project: Project, environment: str, connector_key: str
) -> HttpResponse:
    """Show what the vendor needs from us; generate a key pair on demand."""
    place = _place(request, project, environment, connector_key, Step.GIVE)
    pair = place.manifest.key_pair
    if request.method == "POST" and pair is not None:
        private = private_key_generate()
        values = {pair.private_key_field: private}
        names = {field.name for field in place.manifest.fields}
        if "jwt_key_id" in names:
            values["jwt_key_id"] = key_id_suggestion(private)
        integration_draft_save(integration=place.row(), values=values)
        messages.success(request, "A key pair was made. Register its public key at the vendor.")
        return place.go_to(Step.GIVE)
    values = _values(place)
    is_needed = needs_key_pair(place.manifest, values)
    return place.page(
        is_key_needed=is_needed,
        key_pair=key_pair_view(place.manifest, values) if is_needed else None,
    )


@_view
def connect_values(
    request: HttpRequest, project: Project, environment: str, connector_key: str
) -> HttpResponse:
    """Show and take the vendor's values."""
    place = _place(request, project, environment, connector_key, Step.VALUES)
    stored = _values(place)
    form = ConnectForm(place.manifest, stored=stored, data=_posted(request))
    if form.is_valid():
        integration_draft_save(integration=place.row(), values=form.cleaned.values)
        for notice in form.cleaned.notices:
            messages.info(request, notice)
        return place.go_to(Step.TEST)
    if request.method != "POST":
        return place.page(form=form)
    # Nothing is kept of a refused form but good secrets, which the page cannot give back.
    if secrets := form.accepted_secrets():
        integration_draft_save(integration=place.row(), values=secrets)
    return place.page(form=form.without_secrets(), notices=form.cleaned.notices, status=422)


@_view
def connect_test(
    request: HttpRequest, project: Project, environment: str, connector_key: str
) -> HttpResponse:
    """Show the check list; the test itself runs under its own address."""
    place = _place(request, project, environment, connector_key, Step.TEST)
    row = integration_or_none(project, environment, connector_key)
    if row is None or not is_complete(place.manifest, row):
        return place.go_to(Step.VALUES)
    test = row.draft.get("test", {})
    return place.page(
        test=test,
        tested_at=datetime.fromisoformat(test["at"]) if test else None,
        checks=check_views(place.manifest, test),
        is_edited=row.status == Integration.Status.NOT_CONNECTED or "values" in row.draft,
    )


@require_POST
@_view
def connect_save(
    request: HttpRequest, project: Project, environment: str, connector_key: str
) -> HttpResponse:
    """Connect with the draft; a failed or missing test needs *Save anyway*."""
    place = _place(request, project, environment, connector_key, Step.TEST)
    row = integration_or_none(project, environment, connector_key)
    if row is None:
        return place.go_to(Step.VALUES)
    try:
        saved = integration_connect(
            integration=row, actor=request.user, save_anyway="save_anyway" in request.POST
        )
    except DraftIncompleteError as error:
        for sentence in error.errors.values():
            messages.error(request, sentence)
        return place.go_to(Step.VALUES)
    except NotTestedError:
        messages.error(request, "These values have not passed the test. Test them, or save anyway.")
        return place.go_to(Step.TEST)
    _tell_outcome(request, saved, place.manifest)
    return place.go_to(Step.BEHAVIOUR)


@_view
def connect_behaviour(
    request: HttpRequest, project: Project, environment: str, connector_key: str
) -> HttpResponse:
    """Show and take the behaviour of a connected integration."""
    place = _place(request, project, environment, connector_key, Step.BEHAVIOUR)
    row = integration_or_404(project, environment, connector_key)
    has_rivals = bool(live_agent_rivals(row))
    narrowed = manifest_with(row.connector_key, row.credentials)
    form = BehaviourForm(narrowed, behaviour_of(row), data=_posted(request))
    if form.is_valid():
        integration_behaviour_save(integration=row, values=form.cleaned_data, actor=request.user)
        if has_rivals:
            is_default = "default_agent_system" in request.POST
            integration_default_set(integration=row, is_default=is_default, actor=request.user)
        messages.success(request, "Behaviour saved. It holds for new handoffs.")
        return place.go_to(Step.DONE)
    status = 422 if form.errors else 200
    return place.page(form=form, has_rivals=has_rivals, status=status)


@_view
def connect_done(
    request: HttpRequest, project: Project, environment: str, connector_key: str
) -> HttpResponse:
    """Show the tool to paste and the verify list."""
    place = _place(request, project, environment, connector_key, Step.DONE)
    row = integration_or_404(project, environment, connector_key)
    return place.page(tool=tool_source(place.manifest), verify=verify_steps(row))


@_view
def connect_verify(
    request: HttpRequest, project: Project, environment: str, connector_key: str
) -> HttpResponse:
    """Answer which verify steps have passed, for the page that watches."""
    row = integration_or_404(project, environment, connector_key)
    return JsonResponse({step.name: step.has_passed for step in verify_steps(row)})


def _tell_outcome(request: HttpRequest, row: Integration, manifest: Manifest) -> None:
    if row.status == Integration.Status.CONNECTED:
        messages.success(request, f"{manifest.tile} is connected.")
    else:
        messages.warning(request, f"{manifest.tile} is saved and needs attention.")
