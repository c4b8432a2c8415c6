"""What the Integrations pages show, read in few queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from integrations.connections.drafts import draft_of
from integrations.contract.manifest import FieldKind, Manifest, TileGroup
from integrations.contract.registry import manifest_get
from integrations.contract.tiles import Tile, tiles
from integrations.credentials.cleaning import fields_for_mode, mask, mode_of, pairs_to_lines
from integrations.models import AuditEntry, ConnectionName, Environment, Integration, Project
from integrations.models.connection_name import DEFAULT_SET, EVERY_VARIANT

Status = Integration.Status

# What the tile's badge means, and its one action: label and step to open.
_BADGES = {
    Status.NOT_CONNECTED: "",
    Status.CONNECTED: "ok",
    Status.NEEDS_ATTENTION: "error",
    Status.DISABLED: "warning",
}
_ACTIONS = {
    Status.NOT_CONNECTED: "Connect",
    Status.CONNECTED: "Manage",
    Status.NEEDS_ATTENTION: "Fix",
    Status.DISABLED: "Enable",
}


_ACTION_WORDS = {
    "integration.connected": "Values saved",
    "integration.tested": "Tested",
    "integration.disconnected": "Disconnected",
    "integration.disabled": "Disabled",
    "integration.enabled": "Enabled",
    "integration.behaviour_changed": "Behaviour changed",
    "integration.default_changed": "Default changed",
    "integration.needs_attention": "Needs attention",
    "integration.recovered": "Works again",
    "integration.secret_made": "New secret made",
    "integration.test_handoff": "Test handoff sent",
    "integration.copied": "Values copied",
    "integration.assigned": "Variants changed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TileView:
    """One tile as it stands in an environment."""

    tile: Tile
    manifest: Manifest | None
    integration: Integration | None
    others: tuple[CredentialSet, ...] = ()

    @property
    def connection(self) -> ConnectionName | str:
        """Name the connection in addresses."""
        if self.integration is not None:
            return self.integration.connection
        return self.manifest.key if self.manifest else ""

    @property
    def summary(self) -> str:
        """What it is, in one sentence: of the connection, where there is one."""
        is_own = self.is_in_use and self.manifest is not None
        return self.manifest.summary if is_own and self.manifest else self.tile.summary

    @property
    def status(self) -> Integration.Status:
        """The state the badge tells."""
        return Status(self.integration.status) if self.integration else Status.NOT_CONNECTED

    @property
    def badge(self) -> str:
        """The badge's meaning."""
        return _BADGES[self.status]

    @property
    def action(self) -> str:
        """The word on the tile's one button."""
        return _ACTIONS[self.status]

    @property
    def is_in_use(self) -> bool:
        """Say whether there is a connection to look at."""
        return self.status is not Status.NOT_CONNECTED

    @property
    def has_draft(self) -> bool:
        """Say whether somebody left the Connect flow half-way."""
        return bool(self.integration and draft_of(self.integration).values)

    @property
    def anchor(self) -> str:
        """The tile's id on the page."""
        return "tile-" + self.tile.title.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialSet:
    """One of several connections to a vendor in an environment."""

    integration: Integration
    is_shown: bool

    @property
    def name(self) -> str:
        """What a tool writes as `credential_set`."""
        return self.integration.credential_set

    @property
    def connector(self) -> str:
        """What it is connected to, where a tile has several connectors."""
        return manifest_get(self.integration.connector_key).name

    @property
    def used_for(self) -> str:
        """Whose handoffs use it though they name no set, where a script has said so."""
        assigned = self.integration.assigned_to
        variants = [f"variant {name}" for name in assigned if name != EVERY_VARIANT]
        rest = ["every handoff that names none"] if EVERY_VARIANT in assigned else []
        return f"for {' and '.join([*rest, *variants])}" if assigned else ""

    @property
    def badge(self) -> str:
        """The badge's meaning."""
        return _BADGES[Status(self.integration.status)]

    @property
    def label(self) -> str:
        """The badge's words."""
        is_begun = self.integration.status == Status.NOT_CONNECTED
        return "Set-up begun" if is_begun else str(Status(self.integration.status).label)


def credential_sets(integration: Integration) -> list[CredentialSet]:
    """Return all connections to the same vendor in an environment, begun ones too."""
    rows = Integration.objects.filter(
        project=integration.project,
        environment=integration.environment,
        integration_key=integration.integration_key,
    ).order_by("credential_set")
    return [
        CredentialSet(integration=row, is_shown=row == integration)
        for row in rows
        if _is_there(row)
    ]


def _is_there(row: Integration) -> bool:
    return row.status != Status.NOT_CONNECTED or bool(draft_of(row).values)


def tile_groups(*, project: Project, environment: str) -> dict[TileGroup, list[TileView]]:
    """Return every tile under its heading, connected ones first, not available ones last."""
    connected = Integration.objects.filter(project=project, environment=environment)
    rows: dict[str, list[Integration]] = {}
    for row in connected.order_by("credential_set"):
        rows.setdefault(row.connector_key, []).append(row)
    groups: dict[TileGroup, list[TileView]] = {group: [] for group in TileGroup}
    for tile in tiles():
        found = [row for one in tile.connectors for row in rows.get(one.key, [])]
        groups[tile.group].append(_tile_view(tile, found))
    for views in groups.values():
        views.sort(key=lambda view: (view.status is Status.NOT_CONNECTED, view.manifest is None))
    return groups


def _tile_view(tile: Tile, rows: Sequence[Integration]) -> TileView:
    """Show the default set on the tile, or else the first that is in use; name the others."""
    ranked = sorted(
        rows,
        key=lambda row: (
            row.status == Status.NOT_CONNECTED,
            row.credential_set != DEFAULT_SET,
            row.credential_set,
        ),
    )
    others = [row for row in ranked[1:] if _is_there(row)]
    return TileView(
        tile=tile,
        manifest=manifest_get(ranked[0].connector_key) if ranked else tile.manifest,
        integration=ranked[0] if ranked else None,
        others=tuple(CredentialSet(integration=row, is_shown=False) for row in others),
    )


def environment_counts(project: Project) -> list[tuple[Environment, int, int]]:
    """Return the environments with how many are connected there, and how many need attention."""
    rows = project.integrations.exclude(status=Status.NOT_CONNECTED).values_list("environment")
    found = rows.annotate(
        count=Count("pk"), red=Count("pk", filter=Q(status=Status.NEEDS_ATTENTION))
    ).order_by()
    counts = {name: (count, red) for name, count, red in found}
    return [(one, *counts.get(one.value, (0, 0))) for one in Environment]


def shown_values(manifest: Manifest, values: dict[str, str]) -> list[tuple[str, str]]:
    """Return label and value of each field, secrets masked."""
    shown = []
    for item in fields_for_mode(manifest, mode_of(manifest, values)):
        value = values.get(item.name, "")
        if item.kind.is_secret:
            value = mask(value)
        elif item.kind is FieldKind.KEY_VALUE:
            value = pairs_to_lines(value)
        elif item.kind is FieldKind.CHOICE:
            value = dict(item.choices).get(value, value)
        elif item.kind is FieldKind.CHOICES:
            labels = dict(item.choices)
            value = ", ".join(labels[one] for one in value.split(",") if one in labels) or "Nothing"
        elif item.kind is FieldKind.SWITCH:
            value = "Yes" if value == "true" else "No"
        shown.append((item.label, value))
    return shown


def audit_of(integration: Integration, *, limit: int | None = 20) -> list[tuple[str, AuditEntry]]:
    """Return the newest audit entries of an integration, each with its action in words."""
    entries = AuditEntry.objects.filter(project=integration.project, subject=str(integration))
    return [
        (_ACTION_WORDS.get(entry.action, entry.action), entry)
        for entry in entries.select_related("actor", "api_key")[:limit]
    ]
