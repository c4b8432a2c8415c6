"""What the pretend Live Agent holds: chats with their queues of messages, and switches."""

from __future__ import annotations

import asyncio
import html
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrations.simulators.records import Records, desk_message
from integrations.simulators.switches import Switches
from integrations.simulators.world import World

ORG_ID = "00D8Y0000012abc"
DEPLOYMENT_ID = "5728Y0000008dpl"
BUTTON_ID = "5738Y0000009btn"
BUTTON_NAME = "Support"
NOTHING = -1
# Offsets grow by one with each poll that brought something.
FIRST_OFFSET = 1_795_160_000


@dataclass
class LiveChatSwitches(Switches):
    """What can be set at the start and from the desk."""

    agents_offline: bool = False
    # Seconds for which a poll is held before it is answered with 204.
    hold_seconds: float = 30.0
    # Whether the organization routes by queue: then it counts no places.
    routes_by_queue: bool = False
    estimated_wait_seconds: int = 90
    # Attributes may go into these fields of the Live Chat Transcript; others are dropped.
    transcript_fields: list[str] = field(default_factory=list)
    # Whether ChasitorResyncState is answered with the history.
    tells_history: bool = True


@dataclass(slots=True, kw_only=True)
class LiveChat:
    """One chat of one visitor, from its session on."""

    session_id: str
    key: str
    affinity: str
    status: str = "session"  # then queued, active, ended
    ended_by: str | None = None
    init: dict[str, Any] = field(default_factory=dict)
    agents: list[str] = field(default_factory=list)
    is_typing: bool = False
    started_at: str = field(default_factory=lambda: now_text())
    # Numbers of the visitor's requests that were taken.
    taken: list[int] = field(default_factory=list)
    # What the poll has not handed out, what it has, and how far that is acknowledged.
    pending: list[dict[str, Any]] = field(default_factory=list)
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    first_of_round: int = 0
    acknowledged: int = NOTHING
    # Old batches that come once more, by their sequence in this round.
    replays: list[int] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    file_token: str = ""

    @property
    def delivered(self) -> int:
        """Return the sequence of the newest batch of this round."""
        return len(self.batches) - self.first_of_round or NOTHING

    def batch(self, sequence: int) -> list[dict[str, Any]]:
        """Return what was handed out under a sequence of this round."""
        return self.batches[self.first_of_round + sequence - 1]

    def add(self, speaker: str, name: str, text: str, **more: Any) -> dict[str, Any]:
        """Keep a message in the desk's shape."""
        facts = {"order": len(self.messages), "at": now_text(), **more}
        message = desk_message(speaker, name, text, **facts)
        self.messages.append(message)
        return message

    def remember(self, kind: str, name: str, content: str) -> None:
        """Keep a line for ChasitorSessionData."""
        row = {"type": kind, "name": name, "content": content}
        stamp = {"timestamp": int(time.time() * 1000), "sequence": len(self.history) + 1}
        self.history.append({**row, **stamp})


@dataclass(slots=True, kw_only=True, eq=False)
class HeldPoll:
    """A poll that waits for something to tell."""

    is_cut: bool = False
    is_over: bool = False
    is_gone: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def notify(self) -> None:
        """Wake it from any thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.wake.set)


class LiveChatWorld(World[LiveChatSwitches, LiveChat]):
    """One deployment with one chat button."""

    def __init__(self, switches: LiveChatSwitches) -> None:
        super().__init__(switches, Records(LiveChat, "session_id"))
        # The polls that are held, by chat.
        self.held: dict[str, list[HeldPoll]] = {}
        self.silent_until = 0.0
        self.doubles_next = False

    def open_session(self) -> LiveChat:
        """Give out a session, which is no chat yet."""
        key = f"{uuid.uuid4()}!{secrets.token_urlsafe(40)}"
        session = LiveChat(session_id=str(uuid.uuid4()), key=key, affinity=secrets.token_hex(4))
        return self.conversations.add(session)

    def of_key(self, key: str) -> LiveChat | None:
        """Return whose session key this is."""
        return next((one for one in self.conversations.values() if one.key == key), None)

    def tell(self, chat: LiveChat, kind: str, body: object = None) -> None:
        """Queue a message for the visitor's poll."""
        chat.pending.append({"type": kind, "message": {} if body is None else body})
        self.wake(chat)

    def polls_of(self, chat: LiveChat) -> list[HeldPoll]:
        """Return the polls that a chat holds, the first one first."""
        return self.held.setdefault(chat.session_id, [])

    def all_polls(self) -> list[HeldPoll]:
        """Return every poll that is held."""
        return [poll for polls in list(self.held.values()) for poll in polls]

    def wake(self, chat: LiveChat) -> None:
        """Let the polls of a chat look."""
        for poll in self.polls_of(chat):
            poll.notify()

    def ask_for_chat(self, chat: LiveChat, init: dict[str, Any]) -> None:
        """Route a chat to the button, or refuse it while nobody is online."""
        chat.init, chat.status = init, "queued"
        for detail in spoken_details(chat):
            chat.add("system", detail["label"], detail["value"])
        if self.switches.agents_offline:
            chat.status, chat.ended_by = "ended", "system"
            self.tell(chat, "ChatRequestFail", {"reason": "Unavailable", "postChatUrl": ""})
            return
        place = 0 if self.switches.routes_by_queue else self.ahead_of(chat)
        self.tell(
            chat,
            "ChatRequestSuccess",
            {
                "queuePosition": place,
                "estimatedWaitTime": self.switches.estimated_wait_seconds,
                "visitorId": str(uuid.uuid4()),
                "geoLocation": None,
                "url": "",
                "oref": "",
                "postChatUrl": "",
                "customDetails": [],
                "sneakPeekEnabled": True,
            },
        )

    def ahead_of(self, chat: LiveChat) -> int:
        """Count who waits longer."""
        waiting = [one for one in self.conversations.values() if one.status == "queued"]
        return waiting.index(chat) if chat in waiting else 0

    def tell_places(self) -> None:
        """Tell everybody who waits their place, which counts from 0."""
        if not self.switches.routes_by_queue:
            for one in [chat for chat in self.conversations.values() if chat.status == "queued"]:
                self.tell(one, "QueueUpdate", {"position": self.ahead_of(one)})

    def say(self, chat: LiveChat, agent_name: str, text: str) -> dict[str, Any]:
        """Send a live agent's text: with HTML's entities, as the console writes it."""
        chat.remember("Agent", agent_name, html.escape(text))
        body = {"name": agent_name, "text": html.escape(text), "agentId": agent_id(agent_name)}
        self.tell(chat, "ChatMessage", {**body, "schedule": {"responseDelayMilliseconds": 0.0}})
        return chat.add("live_agent", agent_name, text)

    def finish(self, chat: LiveChat, reason: str, ended_by: str) -> None:
        """End a chat and tell of it."""
        chat.status, chat.ended_by = "ended", ended_by
        chat.agents.clear()
        self.tell(chat, "ChatEnded", {"reason": reason, "attachedRecords": "[]"})

    def move(self, chat: LiveChat) -> None:
        """Let another server have a chat: its old affinity token is good for nothing."""
        chat.affinity = secrets.token_hex(4)
        self.wake(chat)

    def reconnect(self, chat: LiveChat, offset: int) -> dict[str, Any]:
        """Begin a round of polls anew; what came behind the offset comes again."""
        had = min(max(offset - FIRST_OFFSET, 0), len(chat.batches))
        unread = [message for batch in chat.batches[had:] for message in batch]
        chat.pending, chat.batches = unread + chat.pending, chat.batches[:had]
        chat.first_of_round, chat.acknowledged = had, NOTHING
        chat.replays.clear()
        return {"affinityToken": chat.affinity, "resetSequence": True}

    def history_of(self, chat: LiveChat) -> dict[str, Any]:
        """Return the whole chat, as ChasitorSessionData."""
        return {
            "queuePosition": 0,
            "geoLocation": None,
            "url": "",
            "oref": "",
            "postChatUrl": "",
            "sneakPeekEnabled": True,
            "chatMessages": list(chat.history),
        }

    def forget(self) -> None:
        """Forget all chats; whoever polls is woken."""
        for poll in self.all_polls():
            poll.is_cut = True
            poll.notify()
        super().forget()
        self.silent_until, self.doubles_next = 0.0, False


def agent_id(name: str) -> str:
    """Return a live agent's user id."""
    return f"005{uuid.uuid5(uuid.NAMESPACE_DNS, name).hex[:12]}"


def spoken_details(chat: LiveChat) -> list[Mapping[str, Any]]:
    """Return the pre-chat details of more than a line: the console shows them as text."""
    return [one for one in chat.init.get("prechatDetails", []) if "\n" in one["value"]]


def now_text() -> str:
    """Return this moment."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def desk_view(world: LiveChatWorld, chat: LiveChat) -> dict[str, Any]:
    """Return a chat in the shape that all desks share."""
    details = chat.init.get("prechatDetails", [])
    short = [one for one in details if one not in spoken_details(chat) and one["displayToAgent"]]
    known = world.switches.transcript_fields
    return {
        "id": chat.session_id,
        "status": chat.status,
        "queue": BUTTON_NAME,
        "attributes": {one["label"]: one["value"] for one in short},
        "language": chat.init.get("language"),
        "end_user": {
            "subject": "",
            "is_authenticated": False,
            "display_name": chat.init.get("visitorName", "Visitor"),
        },
        "is_typing": chat.is_typing,
        "is_closed": chat.status == "ended",
        "agents": list(chat.agents),
        "routing_status": "waiting" if chat.status == "queued" else None,
        "session_status": chat.status,
        "session_ended_by": chat.ended_by,
        "session_fields": {
            name: one["value"]
            for one in details
            for name in one["transcriptFields"]
            if name in known
        },
        "sessions": [{"id": chat.session_id, "status": chat.status}],
        "started_at": chat.started_at,
        "messages": list(chat.messages),
        "timeline": [],
    }
