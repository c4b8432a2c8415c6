"""A pretend Webex organization with a custom messaging channel, written from its contract alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault
from integrations.simulators.simulator import Simulator
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import PostingSimulator
from integrations.vendors.webex.simulator.agents import EXTRA_ACTIONS, RICH_MESSAGES, WebexAgents
from integrations.vendors.webex.simulator.app import TOKEN_PATH, webex_app
from integrations.vendors.webex.simulator.checks import refusal, webex_refusal
from integrations.vendors.webex.simulator.outbox import WORD, EventLetter, now_ms
from integrations.vendors.webex.simulator.world import (
    SUBSCRIPTION_SECRET,
    Switches,
    Task,
    WebexWorld,
    desk_view,
)

DEFAULT_RETRY_AFTER = 1
TOO_OLD_MS = 3_600_000
FORGED = "somebody-elses"


def _world(simulator: Simulator) -> WebexWorld:
    return cast("WebexSimulator", simulator).world


def _each_open(simulator: Simulator, make: Callable[[Task], EventLetter]) -> None:
    world = _world(simulator)
    for task in list(world.conversations.values()):
        if not task.is_over and world.switches.webhook_url:
            world.outbox.post(make(task))


def _letter(world: WebexWorld, task: Task, label: str, **changes: Any) -> EventLetter:
    stamp = now_ms()
    body = {
        "id": task.task_id,
        "comciscotimestamp": stamp,
        "data": {"taskId": task.task_id},
        **changes.pop("body", {}),
    }
    given = {
        "url": world.switches.webhook_url,
        "secret": world.switches.asset_webhook_secret,
        "raw": json.dumps(body).encode(),
        "lane": task.task_id,
        "label": label,
        "version": "task:1.0.0",
        "stamp": str(stamp),
        **changes,
    }
    return EventLetter(**given)


def _unknown_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post an event of a type that nobody knows, for each open task."""
    world = _world(simulator)
    body = {"type": "task:applauded"}
    _each_open(simulator, lambda task: _letter(world, task, "unknown", body=body))


def _malformed_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post signed bytes that are not JSON, and a word whose parts are of the wrong types."""
    world = _world(simulator)
    raw = b'{"id":"broken'
    _each_open(simulator, lambda task: _letter(world, task, "malformed", raw=raw, stamp=""))

    def odd(task: Task) -> EventLetter:
        data = {"taskId": task.task_id, "senderType": "agent", "channelParams": [1], "origin": 7}
        body = {"type": "task-message:appended", "data": data}
        return _letter(world, task, "malformed", body=body)

    _each_open(simulator, odd)


def _forged_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post an end whose signature does not fit, and one that is an hour old."""
    world = _world(simulator)
    ended = {"type": "task:ended"}
    _each_open(simulator, lambda t: _letter(world, t, "forged", body=ended, secret=FORGED))
    old = now_ms() - TOO_OLD_MS
    stale = {**ended, "comciscotimestamp": old}
    _each_open(simulator, lambda t: _letter(world, t, "old", body=stale, stamp=str(old)))


def _replay_oldest(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Post each task's oldest words again in their turn, with the ids and times they had."""
    _world(simulator).outbox.post_oldest(WORD, int(fields.get("count", 5)))


def _lose_events(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Let the next events never arrive."""
    _world(simulator).outbox.lose_next(int(fields.get("count", 1)))


def _stop_subscriptions(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Make every subscription inactive, as Cisco may after errors."""
    for one in _world(simulator).subscriptions.values():
        one.status = "inactive"


EXTRA_FAULTS: dict[str, Fault] = {
    "unknown_event": _unknown_event,
    "malformed_event": _malformed_event,
    "forged_event": _forged_event,
    "replay_oldest": _replay_oldest,
    "lose_events": _lose_events,
    "stop_subscriptions": _stop_subscriptions,
}


class WebexSimulator(PostingSimulator[WebexWorld]):
    """One organization, one channel, one asset; keyword arguments are switches."""

    key: ClassVar[str] = "webex"
    cors_methods: ClassVar[tuple[str, ...]] = ("GET", "POST", "PATCH", "DELETE")
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated Webex Contact Center (demo)",
        inbox="Tasks",
        accept="Accept",
        end="End",
        attributes="Global variables",
        session="Task",
    )
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES
    agents: WebexAgents

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        """Make the organization and its people."""
        world = WebexWorld(Switches.of(**switches))
        super().__init__(world, WebexAgents(world), state_file=state_file)

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return webex_app(self)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure in the contact center's shape."""
        wait = failure.retry_after
        if wait is None and failure.status == 429:
            wait = DEFAULT_RETRY_AFTER
        return refusal(failure.status, "The simulator was told to fail.", wait)

    def failure_response_at(self, failure: PlannedFailure, path: str) -> Response:
        """Let the token host fail in its own shape."""
        if path == TOKEN_PATH and failure.status != 429:
            return webex_refusal(failure.status, "The simulator was told to fail.")
        return self.failure_response(failure)

    # -- The desk -----------------------------------------------------------------------------

    def desk_view(self, conversation: Task) -> dict[str, Any]:
        """Return a task in the shape that all desks share."""
        return desk_view(conversation)

    def configuration(self) -> dict[str, Any]:
        """Return the switches, and the secret of a subscription made at the desk."""
        return {**super().configuration(), "subscription_secret": SUBSCRIPTION_SECRET}

    def expire_tokens(self) -> None:
        """Let every access token issued so far expire."""
        with self.change():
            self.world.access_tokens.clear()
