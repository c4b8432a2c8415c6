"""The Connect flow that a request is in, and at which step; what all steps share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from integrations.connect.steps import Step, step_views
from integrations.connect.views.tiles import integration_or_none, manifest_or_404, set_free_or_404
from integrations.connections.drafts import edited_values
from integrations.connections.services import integration_open
from integrations.contract.manifest import Manifest
from integrations.contract.tiles import ConnectionType, connection_types
from integrations.models import Access, Area, ConnectionName, Environment, Integration, Project
from integrations.projects.access import project_view

# A reader has no business in the flow, not even looking.
flow_view = project_view(Area.INTEGRATIONS, to_read=Access.EDIT)


@dataclass(frozen=True, slots=True)
class ConnectFlow:
    """The Connect flow of one vendor, at the step that a request asks for."""

    request: HttpRequest
    project: Project
    environment: str
    connection: ConnectionName
    manifest: Manifest
    step: Step

    def row(self) -> Integration:
        """Return the integration, made when the first value is kept."""
        return integration_open(
            project=self.project,
            environment=self.environment,
            manifest=self.manifest,
            credential_set=self.connection.credential_set,
        )

    def with_connector(self, manifest: Manifest) -> ConnectFlow:
        """Return the flow of the same set with another connector of the tile."""
        connection = ConnectionName(manifest.key, self.connection.credential_set)
        return replace(self, manifest=manifest, connection=connection)

    def types(self) -> tuple[ConnectionType, ...]:
        """Return the connection types to choose from; none where there is no choice."""
        found = connection_types(self.manifest)
        return found if len(found) > 1 else ()

    def row_or_none(self) -> Integration | None:
        """Return the integration, if anything was kept of it yet."""
        return integration_or_none(self.project, self.environment, self.connection)

    def values(self) -> dict[str, str]:
        """Return the values being edited."""
        row = self.row_or_none()
        return edited_values(row) if row else {}

    def posted(self) -> QueryDict | None:
        """Return what was sent, or None when the page is only looked at."""
        return self.request.POST if self.request.method == "POST" else None

    def go_to(self, step: Step) -> HttpResponse:
        """Redirect to a step of the same flow."""
        return redirect(step.url_name, self.project.public_id, self.environment, self.connection)

    def page(self, status: int = 200, **context: Any) -> HttpResponse:
        """Draw the step with its stepper."""
        row = self.row_or_none()
        shared = {
            "manifest": self.manifest,
            "types": self.types(),
            "connection": self.connection,
            "title": self.connection.titled(self.manifest.tile),
            "environment": Environment(self.environment),
            "integration": row,
            "step": self.step,
            "steps": step_views(self.step, row),
        }
        template = f"integrations/connect_{self.step.value}.html"
        return render(self.request, template, shared | context, status=status)


def flow_at(
    request: HttpRequest,
    project: Project,
    environment: str,
    connection: ConnectionName,
    step: Step,
) -> ConnectFlow:
    """Return the flow at a step; an unknown connector or environment is a 404."""
    manifest = manifest_or_404(connection.connector_key)
    set_free_or_404(project, environment, connection, manifest)
    return ConnectFlow(request, project, environment, connection, manifest, step)
