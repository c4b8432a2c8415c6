"""A pretend service behind the custom connector, written from the public contract alone."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, Fault
from integrations.simulators.simulator import DeskError, DeskWords, Simulator
from integrations.simulators.traffic import PlannedFailure
from integrations.vendors.custom.simulator.extras import EXTRA_ACTIONS, EXTRA_FAULTS
from integrations.vendors.custom.simulator.http import custom_app, refusal
from integrations.vendors.custom.simulator.outbox import Letter, Outbox
from integrations.vendors.custom.simulator.state import (
    Handoff,
    Memory,
    Switches,
    desk_view,
    now_text,
)

DEFAULT_RETRY_AFTER = 1
# What a reset leaves as it is.
AGREED = ("signing_secret", "events_url", "retry_pause_seconds")


class CustomSimulator(Simulator):
    """A small desk with one inbox; keyword arguments are switches, as in `POST /_desk/config`."""

    key: ClassVar[str] = "custom"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated custom connector (demo)",
        inbox="Inbox",
        accept="Accept",
        end="Close",
        attributes="Attributes",
        session="Handoff",
    )
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        super().__init__(state_file=state_file)
        self.memory = Memory()
        self.outbox = Outbox(lambda: self.memory.switches.signing_secret)
        self._first_switches = switches
        self.memory.switches.change(**switches)
        self.load_state()
        self.outbox.pause_seconds = self.memory.switches.retry_pause_seconds

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return custom_app(self)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure in the contract's shape."""
        wait = failure.retry_after
        if wait is None and failure.status == 429:
            wait = DEFAULT_RETRY_AFTER
        code = failure.error_code or "told_to_fail"
        return refusal(failure.status, code, "The simulator was told to fail.", wait)

    def state_as_dict(self) -> dict[str, Any]:
        """Return everything known."""
        return self.memory.as_dict()

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take over what was kept."""
        self.memory = Memory.from_dict(dict(state))

    def forget(self) -> None:
        """Forget all handoffs; what was agreed with the portal stays."""
        agreed = self.memory.switches
        self.memory = Memory()
        kept = {name: getattr(agreed, name) for name in AGREED}
        self.memory.switches.change(**self._first_switches)
        self.memory.switches.change(**kept)
        self.outbox.forget()

    # -- The desk -----------------------------------------------------------------------------

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all handoffs, oldest first."""
        with self.lock:
            return [desk_view(one) for one in self.memory.handoffs.values()]

    def desk_file(self, file_id: str) -> Response:
        """Return a file that a live agent sent."""
        kept = self.memory.files.get(file_id)
        if kept is None:
            raise DeskError(404, "There is no such file.")
        content = base64.b64decode(kept["content_base64"])
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type=kept["mime_type"], headers=headers)

    def sent_webhooks(self) -> list[dict[str, Any]]:
        """Return the events posted to the portal."""
        return self.outbox.deliveries()

    def configure(self, **switches: Any) -> None:
        """Change switches."""
        with self.change():
            self.memory.switches.change(**switches)
            self.outbox.pause_seconds = self.memory.switches.retry_pause_seconds

    def configuration(self) -> dict[str, Any]:
        """Return the switches, the secret included: this is a pretence."""
        return {name: getattr(self.memory.switches, name) for name in Switches.__slots__}

    # -- The live agent -----------------------------------------------------------------------

    def live_agent_joins(self, conversation_id: str, *, agent_name: str) -> None:
        """Accept the waiting handoff, or join the colleague who has it."""
        with self.change():
            handoff = self.open_handoff(conversation_id)
            if agent_name in handoff.agents:
                raise DeskError(409, f"{agent_name} is there already.")
            handoff.status = "active"
            handoff.agents.append(agent_name)
            self.tell(handoff, "joined", {"agent": agent_of(agent_name)})

    def live_agent_says(
        self, conversation_id: str, *, text: str, agent_name: str | None = None
    ) -> None:
        """Send a text."""
        with self.change():
            handoff = self.open_handoff(conversation_id)
            speaker = self.present(handoff, agent_name)
            message = handoff.add("live_agent", speaker, text)
            self._tell_message(handoff, speaker, message, [])

    def live_agent_types(
        self, conversation_id: str, *, is_typing: bool, agent_name: str | None = None
    ) -> None:
        """Start or stop the typing indicator."""
        with self.change():
            handoff = self.open_handoff(conversation_id)
            agent = agent_of(self.present(handoff, agent_name))
            self.tell(handoff, "typing", {"is_typing": is_typing, "agent": agent})

    def live_agent_sends_file(
        self,
        conversation_id: str,
        *,
        name: str,
        mime_type: str,
        content: bytes,
        agent_name: str | None = None,
    ) -> None:
        """Send a file: the portal gets an address."""
        with self.change():
            handoff = self.open_handoff(conversation_id)
            speaker, file_id = self.present(handoff, agent_name), uuid.uuid4().hex
            encoded = base64.b64encode(content).decode()
            self.memory.files[file_id] = {"mime_type": mime_type, "content_base64": encoded}
            shown = {"name": name, "mime_type": mime_type}
            on_desk = {**shown, "id": file_id, "url": f"/_desk/files/{file_id}"}
            message = handoff.add("live_agent", speaker, "", attachments=[on_desk])
            told = {**shown, "url": f"{self.base_url}/files/{file_id}"}
            self._tell_message(handoff, speaker, message, [told])

    def live_agent_reads(self, conversation_id: str) -> None:
        """Mark what the end user wrote as read, and tell of the newest."""
        with self.change():
            handoff = self.open_handoff(conversation_id)
            self.present(handoff, None)
            unread = [m for m in handoff.messages if m["from"] == "end_user" and not m["read"]]
            for message in unread:
                message["read"] = True
            if unread:
                self.tell(handoff, "read", {"message_id": unread[-1]["id"]})

    def live_agent_transfers(
        self, conversation_id: str, *, queue: str | None = None, agent_name: str | None = None
    ) -> None:
        """Hand the conversation to a queue, or to a colleague who joins at once."""
        with self.change():
            handoff = self.open_handoff(conversation_id)
            leaving = self.present(handoff, None)
            target = {"queue": queue} if queue else {"agent": agent_of(str(agent_name))}
            self.tell(handoff, "transferred", target)
            handoff.agents.remove(leaving)
            self.tell(handoff, "left", {"agent": agent_of(leaving)})
            if agent_name:
                self.live_agent_joins(conversation_id, agent_name=agent_name)
            else:
                handoff.status, handoff.queue = "queued", str(queue)

    def live_agent_leaves(self, conversation_id: str, *, agent_name: str | None = None) -> None:
        """Leave; with the last agent the handoff is closed."""
        with self.change():
            handoff = self.open_handoff(conversation_id)
            leaving = self.present(handoff, agent_name)
            handoff.agents.remove(leaving)
            self.tell(handoff, "left", {"agent": agent_of(leaving)})
            if not handoff.agents:
                self._close(handoff)

    def live_agent_ends(self, conversation_id: str) -> None:
        """Close the handoff."""
        with self.change():
            self._close(self.open_handoff(conversation_id))

    # -- What the live agent's doings are told by ------------------------------------------------

    def open_handoff(self, external_id: str) -> Handoff:
        """Return a handoff that goes on; raises DeskError for others."""
        handoff = self.memory.handoffs.get(external_id)
        if handoff is None:
            raise DeskError(404, "There is no such handoff.")
        if handoff.status == "ended":
            raise DeskError(409, "The handoff is closed.")
        return handoff

    def present(self, handoff: Handoff, agent_name: str | None) -> str:
        """Return who acts: the named agent, or the one who came first."""
        if not handoff.agents:
            raise DeskError(409, "Nobody has accepted this handoff.")
        if agent_name is not None and agent_name not in handoff.agents:
            raise DeskError(409, f"{agent_name} is not in this handoff.")
        return agent_name or handoff.agents[0]

    def tell(self, handoff: Handoff, kind: str, data: Mapping[str, Any]) -> None:
        """Post one event of a handoff."""
        body = {"external_id": handoff.external_id, "data": data}
        url = self.memory.switches.events_url or handoff.callback_url
        self.post(url, kind, body, lane=handoff.external_id)

    def ping_back(self, nonce: str) -> None:
        """Post a ping, where the Events URL is known."""
        if url := self.memory.switches.events_url:
            self.post(url, "ping", {"data": {"nonce": nonce}}, lane="ping")

    def post(self, url: str, kind: str, body: Mapping[str, Any], *, lane: str) -> None:
        """Sign and post an event under an id of its own."""
        event = {"event_id": str(uuid.uuid4()), "type": kind, "occurred_at": now_text(), **body}
        self.post_bytes(url, json.dumps(event).encode(), lane=lane, label=kind)

    def post_bytes(self, url: str, raw: bytes, *, lane: str, label: str, age: int = 0) -> None:
        """Sign whatever it is and post it; `age` lets the timestamp lie back."""
        if url:
            self.outbox.post(Letter(url=url, raw=raw, lane=lane, label=label, age=age))

    def _tell_message(
        self, handoff: Handoff, speaker: str, message: Mapping[str, Any], files: list[Any]
    ) -> None:
        data = {
            "message_id": message["id"],
            "agent": agent_of(speaker),
            "text": message["text"],
            "attachments": files,
        }
        self.tell(handoff, "message", data)

    def _close(self, handoff: Handoff) -> None:
        handoff.status, handoff.ended_by = "ended", "agent"
        handoff.agents.clear()
        self.tell(handoff, "closed", {"by": "agent"})

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self) -> None:
        """Do nothing: the contract has no stream."""

    def stall_streams(self, *, seconds: float) -> None:
        """Deliver events late for a while."""
        self.outbox.delay(seconds)
        timer = threading.Timer(seconds, self.outbox.delay, (0.0,))
        timer.daemon = True
        timer.start()

    def expire_tokens(self) -> None:
        """Do nothing: the contract has no token."""

    def duplicate_next(self, *, event: str | None = None) -> None:
        """Post the next event (of this type) twice."""
        self.outbox.duplicate_next(event)

    def swap_next_two(self, *, event: str | None = None) -> None:
        """Post the next event (of this type) after the one that follows it."""
        self.outbox.swap_next_two(event)

    def set_agents_offline(self, *, is_offline: bool) -> None:
        """Have nobody there."""
        self.configure(agents_offline=is_offline)

    def close_streams(self) -> None:
        """Stop posting because the server stops."""
        self.outbox.close()


def agent_of(name: str) -> dict[str, str]:
    """Return a live agent as events name them."""
    return {"id": name.lower().replace(" ", "."), "name": name}
