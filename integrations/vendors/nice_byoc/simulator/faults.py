"""What may go wrong at the pretend CXone's calls alone: odd, broken, old and lost ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from integrations.simulators.desk import Fault, Fields
from integrations.simulators.world_simulator import mishap
from integrations.vendors.nice_byoc.simulator.box import Call
from integrations.vendors.nice_byoc.simulator.world import NiceByocWorld, Thread


def _for_each_open(act: Callable[[NiceByocWorld, Thread, Fields], None]) -> Fault:
    def befall(world: NiceByocWorld, fields: Fields) -> None:
        for thread in world.open_threads():
            act(world, thread, fields)

    return mishap(befall)


def _call(world: NiceByocWorld, thread: Thread, path: str, body: Mapping[str, Any]) -> None:
    lane = thread.external_id
    world.outbox.call(Call(path=path, body=body, lane=lane, label="odd"), world.took)


def _unknown_event(world: NiceByocWorld, thread: Thread, _fields: Fields) -> None:
    """Call with what no page mentions."""
    named = {"thread": {"idOnExternalPlatform": thread.external_id}}
    _call(world, thread, f"/3.0/channel/{world.switches.channel_id}/applause", named)


def _malformed_event(world: NiceByocWorld, thread: Thread, _fields: Fields) -> None:
    """Call with fields of the wrong kinds."""
    path = f"/2.0/channel/{world.switches.channel_id}/outbound"
    _call(world, thread, path, {"thread": [], "messageContent": "?"})
    _call(world, thread, "/1.0/channel/x/thread/y/sender-action", {"senderAction": 7})


def _replay_oldest(world: NiceByocWorld, thread: Thread, fields: Fields) -> None:
    """Call again with the oldest messages of agents."""
    every = [one for contact in thread.contacts for one in contact.messages]
    said = [one for one in every if one["direction"] == "outbound"]
    for made in said[: int(fields.get("count", 5))]:
        world.call_with(thread, made)


def _revoke_box_token(world: NiceByocWorld, _fields: Fields) -> None:
    """Let the token that the box has given be no good any more."""
    world.outbox.token = "0.revoked"  # noqa: S105 - no token at all


EXTRA_FAULTS: dict[str, Fault] = {
    "unknown_event": _for_each_open(_unknown_event),
    "malformed_event": _for_each_open(_malformed_event),
    "replay_oldest": _for_each_open(_replay_oldest),
    "revoke_box_token": mishap(_revoke_box_token),
}
