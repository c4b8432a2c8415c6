"""A pretend organization that still runs Live Agent, written from the vendor's contract alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault, Fields
from integrations.simulators.simulator import Simulator
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import WorldSimulator
from integrations.vendors.salesforce_live_chat.simulator.agents import EXTRA_ACTIONS, Agents
from integrations.vendors.salesforce_live_chat.simulator.app import live_chat_app, refusal
from integrations.vendors.salesforce_live_chat.simulator.world import (
    LiveChat,
    LiveChatSwitches,
    LiveChatWorld,
    desk_view,
)

_HEADERS = ("api-version", "affinity", "session-key", "sequence")


def _open_chats(simulator: Simulator) -> Iterator[tuple[LiveChatWorld, LiveChat]]:
    own = cast("SalesforceLiveChatSimulator", simulator)
    with own.change():
        for chat in own.world.conversations.values():
            if chat.status in ("queued", "active"):
                yield own.world, chat


def _unknown_event(simulator: Simulator, fields: Fields) -> None:
    """Tell each chat something of a type that no client knows."""
    for world, chat in _open_chats(simulator):
        world.tell(chat, "ChasitorSomethingNew", {"isNew": True})


def _malformed_event(simulator: Simulator, fields: Fields) -> None:
    """Tell each chat things whose fields are of the wrong types."""
    for world, chat in _open_chats(simulator):
        for kind, body in ((17, {}), ("QueueUpdate", "x"), ("AgentTyping", None)):
            chat.pending.append({"type": kind, "message": body})
        world.tell(chat, "ChasitorSessionData", {"chatMessages": [3, {"type": "Chasitor"}]})


def _replay_oldest(simulator: Simulator, fields: Fields) -> None:
    """Hand the oldest polls with words of live agents out again, under their old numbers."""
    for world, chat in _open_chats(simulator):
        spoken = [
            number
            for number in range(1, max(chat.delivered, 0) + 1)
            if any(one["type"] == "ChatMessage" for one in chat.batch(number))
        ]
        chat.replays += spoken[: int(fields.get("count", 5))]
        world.wake(chat)


def _lose_polls(simulator: Simulator, fields: Fields) -> None:
    """Lose what is not acknowledged, and what waits: the history alone has it."""
    for _, chat in _open_chats(simulator):
        chat.batches.append(chat.pending)
        chat.pending = []
        chat.acknowledged = chat.delivered


def _switch_server(simulator: Simulator, fields: Fields) -> None:
    """Send each chat to another address."""
    for world, chat in _open_chats(simulator):
        world.tell(chat, "SwitchServer", {"newUrl": fields.get("url", f"{world.base_url}/chat")})


class SalesforceLiveChatSimulator(WorldSimulator[LiveChatWorld]):
    """One deployment with one chat button; keyword arguments are switches."""

    key: ClassVar[str] = "salesforce_live_chat"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated Salesforce Live Chat (demo)",
        inbox="Chat requests",
        accept="Accept",
        end="End chat",
        attributes="Pre-chat details",
        session="Live Chat Transcript",
    )
    cors_headers: ClassVar[tuple[str, ...]] = (
        "content-type",
        *(f"x-liveagent-{name}" for name in _HEADERS),
    )
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    vendor_faults: ClassVar[Mapping[str, Fault]] = {
        "unknown_event": _unknown_event,
        "malformed_event": _malformed_event,
        "replay_oldest": _replay_oldest,
        "lose_polls": _lose_polls,
        "switch_server": _switch_server,
    }

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        world = LiveChatWorld(LiveChatSwitches.of(**switches))
        super().__init__(world, Agents(world), state_file=state_file)

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return live_chat_app(self.world)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure."""
        answer = refusal(failure.status, "The simulator was told to fail.")
        if failure.retry_after is not None:
            answer.headers["Retry-After"] = str(failure.retry_after)
        return answer

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all chats; a session in which none was asked for is nobody's business."""
        with self.lock:
            chats = [one for one in self.world.conversations.values() if one.init]
            return [desk_view(self.world, one) for one in chats]

    def desk_view(self, conversation: LiveChat) -> dict[str, Any]:
        """Return one chat in the desk's shape."""
        return desk_view(self.world, conversation)

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self) -> None:
        """Break every poll that is held in the middle of its answer."""
        for poll in self.world.all_polls():
            poll.is_cut = True
            poll.notify()

    def close_streams(self) -> None:
        """Answer every poll that is held because the server stops."""
        for poll in self.world.all_polls():
            poll.is_over = True
            poll.notify()

    def stall_streams(self, *, seconds: float) -> None:
        """Let polls be silent for a while; messages wait."""
        self.world.silent_until = time.monotonic() + seconds

    def expire_tokens(self) -> None:
        """Let another server have every chat: affinity tokens are good for nothing then."""
        with self.change():
            for chat in self.world.conversations.values():
                self.world.move(chat)

    def duplicate_next(self) -> None:
        """Answer the poll after the next one with the same messages and the same number."""
        self.world.doubles_next = True

    def swap_next_two(self) -> None:
        """Do nothing: one poll at a time, each numbered, cannot come in the wrong order."""
