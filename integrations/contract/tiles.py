"""The tiles of Configure > Integrations, whether or not their connector exists yet."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from integrations.contract.manifest import Manifest
from integrations.contract.registry import manifests


class TileGroup(enum.Enum):
    """The headings of the page, in order."""

    LIVE_AGENTS = "Live agents"
    CHANNELS = "Messaging channels"
    CRM = "CRM and tickets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One product as admins know it; connectors share a tile by naming its title."""

    title: str
    group: TileGroup
    summary: str
    # The key that payloads may name already, where the connector is still to come.
    planned_key: str = ""


TILES = (
    Tile(
        title="Salesforce Messaging",
        group=TileGroup.LIVE_AGENTS,
        summary="Live agents answer in the Service Console through Omni-Channel.",
    ),
    Tile(
        title="Zendesk Messaging",
        group=TileGroup.LIVE_AGENTS,
        summary="Live agents answer in the Zendesk Agent Workspace.",
    ),
    Tile(
        title="NICE CXone Messaging",
        group=TileGroup.LIVE_AGENTS,
        summary="Live agents answer in CXone, routed by skill.",
        planned_key="nice_integration",
    ),
    Tile(
        title="Amazon Connect",
        group=TileGroup.LIVE_AGENTS,
        summary="Live agents answer in the Contact Control Panel.",
    ),
    Tile(
        title="Genesys Messaging",
        group=TileGroup.LIVE_AGENTS,
        summary="Live agents answer in Genesys Cloud through Open Messaging.",
    ),
    Tile(
        title="Webex Messaging",
        group=TileGroup.LIVE_AGENTS,
        summary="Live agents answer in the Webex Contact Center desktop.",
        planned_key="webex_integration",
    ),
    Tile(
        title="Five9",
        group=TileGroup.LIVE_AGENTS,
        summary="Live agents answer in Five9 through Open Messaging.",
        planned_key="five9_integration",
    ),
    Tile(
        title="Custom connector",
        group=TileGroup.LIVE_AGENTS,
        summary="Your own live-agent software, through a pair of signed webhooks.",
    ),
    Tile(
        title="Twilio SMS",
        group=TileGroup.CHANNELS,
        summary="End users write by text message instead of the widget.",
    ),
    Tile(
        title="Salesforce CRM",
        group=TileGroup.CRM,
        summary="Find contacts and create cases from a conversation.",
    ),
    Tile(
        title="Zendesk tickets",
        group=TileGroup.CRM,
        summary="Open a ticket when nobody is available to answer.",
    ),
)


def manifest_of_tile(tile: Tile) -> Manifest | None:
    """Return the connector behind a tile, or None while there is none."""
    return next((found for found in manifests() if found.tile == tile.title), None)
