"""How sentences call a vendor, and whether there is a connector for it."""

from __future__ import annotations

from functools import cache

from integrations.contract.registry import manifests
from integrations.contract.tiles import TILES

# What a tile adds to the vendor's name.
_PRODUCT = " Messaging"


@cache
def _with_connector() -> dict[str, str]:
    return {found.integration_key: found.name for found in manifests()}


def has_connector(integration_key: str) -> bool:
    """Tell whether handoffs can go there at all, connected or not."""
    return integration_key in _with_connector()


def vendor_name(integration_key: str) -> str:
    """Return the vendor's name as sentences use it; empty where no vendor is known."""
    planned = {tile.planned_key: tile.title for tile in TILES if tile.planned_key}
    names = planned | _with_connector()
    words = integration_key.removesuffix("_integration").replace("_", " ").title()
    return names.get(integration_key, words).removesuffix(_PRODUCT)
