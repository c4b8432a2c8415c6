"""What may go wrong at the pretend Five9."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from integrations.simulators.desk import Fault
from integrations.simulators.simulator import Simulator
from integrations.simulators.world_simulator import WorldSimulator
from integrations.vendors.five9.simulator.world import Five9World


def _world(simulator: Simulator) -> Five9World:
    return cast("WorldSimulator[Five9World]", simulator).world


def _unknown_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Call with an event that no page names, for each conversation."""
    for one in list(_world(simulator).conversations.values()):
        _world(simulator).post(one, "applause", "applause", {})


def _malformed_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Call with bytes that are no JSON, and with fields of the wrong types."""
    world = _world(simulator)
    for one in list(world.conversations.values()):
        world.post(one, "message", "agent_message", b'{"text":"broken')
        world.post(one, "message", "agent_message", {"text": [1], "messageId": {}})


def _replay_oldest(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Say each conversation's oldest messages again."""
    _world(simulator).outbox.post_oldest("message", int(fields.get("count", 5)))


def _migrate(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Move the domain to its other data centre: 435 until metadata is read again."""
    switches = _world(simulator).switches
    simulator.configure(active_centre="West" if switches.active_centre == "East" else "East")


FAULTS: Mapping[str, Fault] = {
    "unknown_event": _unknown_event,
    "malformed_event": _malformed_event,
    "replay_oldest": _replay_oldest,
    "migrate": _migrate,
}
