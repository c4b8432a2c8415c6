"""The tiles of Configure > Integrations, whether or not their connector exists yet."""

from __future__ import annotations

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
    # The connector behind it, or None while there is none.
    manifest: Manifest | None


@cache
def tiles() -> tuple[Tile, ...]:
    """Return the tiles by title; where several manifests share one, a connector's own speaks."""
    built = {found.key for found in manifests()}
    by_title: dict[str, Manifest] = {}
    for found in sorted(all_manifests(), key=lambda one: (one.key not in built, one.key)):
        by_title.setdefault(found.tile, found)
    return tuple(
        Tile(
            title=title,
            group=found.group,
            summary=found.summary,
            manifest=found if found.key in built else None,
        )
        for title, found in sorted(by_title.items())
    )
