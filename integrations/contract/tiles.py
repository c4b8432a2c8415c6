"""The tiles of Configure > Integrations, whether or not their connector exists yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from integrations.contract.manifest import Manifest, TileGroup
from integrations.contract.registry import all_manifests, manifests


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One product as admins know it; connectors share a tile by naming its title."""

    title: str
    group: TileGroup
    summary: str
    # The connectors behind it, the one that speaks for it first; none while there is none.
    connectors: tuple[Manifest, ...]

    @property
    def manifest(self) -> Manifest | None:
        """Return the connector that speaks for it."""
        return self.connectors[0] if self.connectors else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionType:
    """One way to be connected behind a tile: a connector, and which of its types."""

    connector: Manifest
    mode: str
    label: str

    @property
    def name(self) -> str:
        """Return what a form posts for it."""
        return f"{self.connector.key}:{self.mode}"


@cache
def tiles() -> tuple[Tile, ...]:
    """Return the tiles by title; where several manifests share one, a connector's own speaks."""
    built = {found.key for found in manifests()}
    by_title: dict[str, list[Manifest]] = {}
    for found in sorted(all_manifests(), key=lambda one: _rank(one, built)):
        by_title.setdefault(found.tile, []).append(found)
    return tuple(
        Tile(
            title=title,
            group=found[0].group,
            summary=found[0].summary,
            connectors=tuple(one for one in found if one.key in built),
        )
        for title, found in sorted(by_title.items())
    )


def connection_types(manifest: Manifest) -> tuple[ConnectionType, ...]:
    """Return every connection type of a connector's tile, those of other connectors too."""
    tile = next(one for one in tiles() if one.title == manifest.tile)
    return tuple(
        ConnectionType(connector=one, mode=mode, label=label)
        for one in tile.connectors
        for mode, label in _modes(one).items()
    )


def _modes(manifest: Manifest) -> Mapping[str, str]:
    choice = manifest.mode_choice
    return dict(choice.choices) if choice else {"": manifest.connection_type or manifest.name}


def _rank(manifest: Manifest, built: set[str]) -> tuple[bool, int, str]:
    return manifest.key not in built, manifest.tile_order, manifest.key
