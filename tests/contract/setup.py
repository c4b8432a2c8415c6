"""What the contract suite must know of a vendor beyond its manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from integrations.simulators.simulator import Simulator


@dataclass(frozen=True, kw_only=True)
class VendorSetup:
    """How to pretend to be a vendor, and how to connect to the pretence.

    `bad_key` replaces credentials so that the vendor refuses them; `options` are constructor
    arguments that shorten the connector's waits; `unknown_faults` make the vendor send what no
    contract page mentions.
    """

    simulator: Callable[[], Simulator]
    credentials: Callable[[str], Mapping[str, str]]
    bad_key: Mapping[str, str]
    address_field: str
    options: Mapping[str, object]
    unknown_faults: tuple[str, ...]
    # What a live agent does at the desk before a file of the end user's can go there at all.
    file_request: str = ""
    # The desk's switches that make the vendor call a portal at an address.
    webhook_config: Callable[[str], Mapping[str, object]] | None = None
