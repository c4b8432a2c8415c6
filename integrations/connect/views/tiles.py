"""Configure > Integrations: the tiles, and the page of one integration."""

from __future__ import annotations

import csv

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from integrations.connect.selectors import (
    audit_of,
    credential_sets,
    environment_counts,
    shown_values,
    tile_groups,
)
from integrations.connect.steps import troubles
from integrations.connections.destinations import connection_title
from integrations.connections.services import (
    integration_disable,
    integration_enable,
)
from integrations.contract.manifest import Manifest
from integrations.contract.registry import manifest_get
from integrations.entry.account.confirming import asked_before_export
from integrations.models import Area, ConnectionName, Environment, Integration, Project
from integrations.models.connection_name import SET_NAME
from integrations.projects.access import may_edit, project_view
from integrations.projects.lists.export import cell

_view = project_view(Area.INTEGRATIONS)
SET_NAME_RULE = (
    "A name has up to 40 small letters, digits, hyphens and underscores, such as emea. Choose "
    "another one."
)


@_view
def integrations(request: HttpRequest, project: Project) -> HttpResponse:
    """Show every tile of an environment; where none is asked for, one that needs attention."""
    counts = environment_counts(project)
    # Whoever follows a number of tiles that need attention comes to one of them.
    first = next((one for one, _, red in counts if red), Environment.SANDBOX)
    environment = request.GET.get("env", first)
    if environment not in Environment.values:
        raise Http404("No such environment.")
    context = {
        "environment": Environment(environment),
        "environments": counts,
        "groups": tile_groups(project=project, environment=environment),
        "may_edit_here": may_edit(request, Area.INTEGRATIONS),
    }
    return render(request, "integrations/tiles.html", context)


@_view
def integration(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Show one connected integration; one that is not connected goes to its first step."""
    manifest = manifest_or_404(connection.connector_key)
    row = integration_or_none(project, environment, connection)
    if row is None or row.status == Integration.Status.NOT_CONNECTED:
        if not may_edit(request, Area.INTEGRATIONS):
            return redirect("integrations", project_id=project.public_id)
        return redirect("connect_before", project.public_id, environment, connection)
    context = {
        "integration": row,
        "environment": Environment(environment),
        "manifest": manifest,
        "pairs": shown_values(manifest, row.credentials),
        "audit": audit_of(row),
        "connection": connection,
        "title": connection_title(row),
        "sets": credential_sets(row),
        "troubles": troubles(manifest),
        "may_edit_here": may_edit(request, Area.INTEGRATIONS),
    }
    return render(request, "integrations/integration.html", context)


@_view
def audit(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Answer with every audit entry of an integration as CSV."""
    row = integration_or_none(project, environment, connection)
    if row is None:
        raise Http404("Nothing has happened here yet.")
    if asked := asked_before_export(request):
        return asked
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{row.integration_key}.csv"'
    writer = csv.writer(response)
    writer.writerow(["at", "actor", "action", "fields"])
    for _, entry in audit_of(row, limit=None):
        actor = cell(entry.actor_name or "baton")
        writer.writerow([entry.at.isoformat(), actor, entry.action, " ".join(entry.fields)])
    return response


@require_POST
@_view
def credential_set_add(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Begin another connection to the same vendor, under the name that was entered."""
    manifest = manifest_or_404(connection.connector_key)
    integration_or_none(project, environment, connection)
    name = request.POST.get("name", "").strip().lower()
    if not SET_NAME.fullmatch(name):
        messages.error(request, SET_NAME_RULE)
        return redirect("integration", project.public_id, environment, connection)
    holder = set_holder(project, environment, manifest, name)
    added = holder.connection if holder else ConnectionName(connection.connector_key, name)
    return redirect("integration", project.public_id, environment, added)


@require_POST
@_view
def enable(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Take handoffs again."""
    row = integration_or_404(project, environment, connection)
    integration_enable(integration=row, actor=request.user)
    messages.success(request, f"{connection_title(row)} is enabled.")
    return redirect("integration", project.public_id, environment, connection)


@require_POST
@_view
def disable(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Refuse new handoffs until enabled again."""
    row = integration_or_404(project, environment, connection)
    integration_disable(integration=row, actor=request.user)
    messages.success(request, f"{connection_title(row)} is disabled. Open handoffs go on.")
    return redirect("integration", project.public_id, environment, connection)


def manifest_or_404(connector_key: str) -> Manifest:
    """Return a connector's manifest, or answer that the page does not exist."""
    try:
        return manifest_get(connector_key)
    except LookupError as error:
        raise Http404("No such connector.") from error


def integration_or_none(
    project: Project, environment: str, connection: ConnectionName
) -> Integration | None:
    """Return the row of a connection in an environment, if there is one yet."""
    if environment not in Environment.values:
        raise Http404("No such environment.")
    rows = project.integrations.filter(environment=environment)
    return rows.filter(
        connector_key=connection.connector_key, credential_set=connection.credential_set
    ).first()


def set_free_or_404(
    project: Project, environment: str, connection: ConnectionName, manifest: Manifest
) -> None:
    """Answer that the page does not exist where another connector of the tile has the set."""
    if integration_or_none(project, environment, connection) is None:
        holder = set_holder(project, environment, manifest, connection.credential_set)
        if holder is not None and holder.status != Integration.Status.NOT_CONNECTED:
            raise Http404("This set is connected in another way.")


def set_holder(
    project: Project, environment: str, manifest: Manifest, credential_set: str
) -> Integration | None:
    """Return the connection that has a set's name, of whichever connector of the tile."""
    return project.integrations.filter(
        environment=environment,
        integration_key=manifest.integration_key,
        credential_set=credential_set,
    ).first()


def integration_or_404(
    project: Project, environment: str, connection: ConnectionName
) -> Integration:
    """Return a connected integration, or answer that the page does not exist."""
    row = integration_or_none(project, environment, connection)
    if row is None or row.status == Integration.Status.NOT_CONNECTED:
        raise Http404("Not connected.")
    return row
