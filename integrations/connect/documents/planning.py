"""Judges what a document says of each set, before anything is tested or saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.connect.documents.reading import (
    Document,
    DocumentError,
    Vendor,
    set_connector,
    set_values,
)
from integrations.connect.testing import ConnectionTest
from integrations.connections.drafts import edited_values
from integrations.connections.exclusive import exclusive_errors
from integrations.connections.services import SetInUseError
from integrations.contract.manifest import Manifest
from integrations.models import Integration, Project

Status = Integration.Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose connections: a project's, to one vendor, in one environment."""

    project: Project
    environment: str
    vendor: Vendor

    def rows(self) -> list[Integration]:
        """Return its connections, by the names of their sets."""
        found = self.project.integrations.filter(
            environment=self.environment, integration_key=self.vendor.integration_key
        )
        return list(found.order_by("credential_set"))

    def connected(self) -> list[Integration]:
        """Return those that are in use."""
        return [row for row in self.rows() if row.status != Status.NOT_CONNECTED]


@dataclass(slots=True, kw_only=True)
class PlannedSet:
    """A set as it shall be."""

    name: str
    manifest: Manifest
    row: Integration
    values: dict[str, str] = field(repr=False)
    is_same: bool = False
    test: ConnectionTest | None = None


def document_plan(place: Place, document: Document) -> list[PlannedSet]:
    """Judge every set, and name all problems at once; raises DocumentError, SetInUseError."""
    rows = {row.credential_set: row for row in place.rows()}
    planned, problems = [], []
    for name, given in document.sets.items():
        try:
            planned.append(_planned(place, name, given, rows.get(name)))
        except DocumentError as error:
            at = f"credential_sets.{name}"
            problems += [(f"{at}.{path}", text) for path, text in error.problems]
    if problems:
        raise DocumentError(problems)
    return planned


def _planned(
    place: Place, name: str, given: Mapping[str, Any], row: Integration | None
) -> PlannedSet:
    try:
        manifest = set_connector(place.vendor, row, given)
    except ValueError as error:
        raise DocumentError([("connection_type", str(error))]) from error
    is_own = row is not None and row.connector_key == manifest.key
    if row is not None and not is_own and row.status != Status.NOT_CONNECTED:
        raise SetInUseError(row)
    stored = _stored(row) if row is not None and is_own else {}
    values = set_values(manifest, given, stored=stored, project=place.project)
    found = row if row is not None and is_own else _empty(place, name, manifest)
    if errors := exclusive_errors(found, manifest, values):
        raise DocumentError(errors.items())
    is_settled = found.status in (Status.CONNECTED, Status.DISABLED)
    return PlannedSet(
        name=name,
        manifest=manifest,
        row=found,
        values=values,
        is_same=is_settled and all(stored.get(n, "") == v for n, v in values.items()),
    )


def _stored(row: Integration) -> dict[str, str]:
    """Return the values that masks stand for: those in use, or those entered so far."""
    return edited_values(row) if row.status == Status.NOT_CONNECTED else dict(row.credentials)


def _empty(place: Place, name: str, manifest: Manifest) -> Integration:
    return Integration(
        project=place.project,
        environment=place.environment,
        connector_key=manifest.key,
        integration_key=manifest.integration_key,
        credential_set=name,
    )
