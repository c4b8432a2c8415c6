"""What only this desk can do: queue news, errors, and events that break the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from integrations.simulators.desk import Action, Fault, Fields
from integrations.simulators.simulator import Simulator

if TYPE_CHECKING:
    from integrations.vendors.custom.simulator.simulator import CustomSimulator

TOO_OLD_SECONDS = 3600


def _own(simulator: Simulator) -> CustomSimulator:
    return cast("CustomSimulator", simulator)


def _queue(simulator: Simulator, external_id: str, fields: Fields) -> None:
    """Tell place in the queue or waiting time."""
    own = _own(simulator)
    known = ("position", "estimated_wait_seconds", "queue")
    data = {name: fields[name] for name in known if name in fields}
    own.tell(own.open_handoff(external_id), "queue", data)


def _error(simulator: Simulator, external_id: str, fields: Fields) -> None:
    """Give up, for the reason in `code`."""
    own = _own(simulator)
    with own.change():
        handoff = own.open_handoff(external_id)
        handoff.status, handoff.ended_by = "ended", "error"
        own.tell(handoff, "error", {"code": fields.get("code", "broken"), "message": "Sorry."})


def _note(simulator: Simulator, external_id: str, fields: Fields) -> None:
    """Write as the system, without a live agent's name."""
    own = _own(simulator)
    with own.change():
        handoff, text = own.open_handoff(external_id), str(fields["text"])
        message = handoff.add("system", "System", text)
        own.tell(handoff, "message", {"message_id": message["id"], "text": text})


def _each_open(simulator: Simulator, raw: bytes, label: str, age: int = 0) -> None:
    own = _own(simulator)
    for handoff in list(own.memory.handoffs.values()):
        url = own.memory.switches.events_url or handoff.callback_url
        lane, body = handoff.external_id, raw.replace(b"EXTERNAL", handoff.external_id.encode())
        own.post_bytes(url, body, lane=lane, label=label, age=age)


def _unknown_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post an event of a type that the contract does not know, for each handoff."""
    raw = b'{"event_id":"new-EXTERNAL","type":"applause","external_id":"EXTERNAL","data":{}}'
    _each_open(simulator, raw, "unknown")


def _malformed_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post signed bytes that are not JSON, and fields of the wrong types."""
    _each_open(simulator, b'{"event_id":"broken', "malformed")
    odd = b'{"event_id":"odd-EXTERNAL","type":"message","external_id":"EXTERNAL","data":[1]}'
    _each_open(simulator, odd, "malformed")


def _old_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post an event whose signature is an hour old."""
    raw = b'{"event_id":"old-EXTERNAL","type":"closed","external_id":"EXTERNAL","data":{}}'
    _each_open(simulator, raw, "old", TOO_OLD_SECONDS)


def _replay_oldest(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Post each handoff's oldest messages again in their turn: old ids and times, signed anew."""
    _own(simulator).outbox.post_oldest("message", int(fields.get("count", 5)))


EXTRA_ACTIONS: dict[str, Action] = {"queue": _queue, "error": _error, "note": _note}
EXTRA_FAULTS: dict[str, Fault] = {
    "unknown_event": _unknown_event,
    "malformed_event": _malformed_event,
    "old_event": _old_event,
    "replay_oldest": _replay_oldest,
}
