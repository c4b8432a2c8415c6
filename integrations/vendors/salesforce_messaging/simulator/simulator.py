"""A pretend Salesforce org that speaks Enhanced Chat API v2, written from its contract alone."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault
from integrations.simulators.simulator import Simulator
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import WorldSimulator
from integrations.vendors.salesforce_messaging.simulator.agents import (
    ACTIONS,
    RICH_MESSAGES,
    Agents,
)
from integrations.vendors.salesforce_messaging.simulator.app import error_answer, messaging_app
from integrations.vendors.salesforce_messaging.simulator.state import Conversation, OrgSwitches
from integrations.vendors.salesforce_messaging.simulator.view import desk_view
from integrations.vendors.salesforce_messaging.simulator.world import Org


class SalesforceMessagingSimulator(WorldSimulator[Org]):
    """One org with one Messaging channel and one published Custom Client deployment.

    Keyword arguments beyond the named ones are switches: see `OrgSwitches`.
    """

    key: ClassVar[str] = "salesforce_messaging"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated Salesforce (demo)",
        inbox="Omni-Channel inbox",
        accept="Accept",
        end="End chat",
        attributes="Routing attributes",
        session="Messaging session",
    )
    cors_headers: ClassVar[tuple[str, ...]] = (
        "authorization",
        "content-type",
        "x-org-id",
        "last-event-id",
        # Browsers' stand-ins for EventSource send it; the official sample uses one.
        "cache-control",
    )
    vendor_actions: ClassVar[Mapping[str, Action]] = ACTIONS
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES
    vendor_faults: ClassVar[Mapping[str, Fault]] = {
        "unknown_event": lambda s, _f: _own(s).send_unknown_event(),
        "malformed_event": lambda s, f: _own(s).send_malformed_event(**f),
        "malformed_payload": lambda s, f: _own(s).send_malformed_payload(**f),
        "expired_item": lambda s, _f: _own(s).tell_expiry(),
        "replay_oldest": lambda s, f: _own(s).replay_oldest(int(f.get("count", 5))),
    }

    def __init__(
        self,
        org_id: str = "00D8Y0000012abc",
        es_developer_name: str = "Portal_Handoff",
        *,
        path_prefix: str = "",
        state_file: str | Path | None = None,
        **switches: Any,
    ) -> None:
        switches_given = OrgSwitches.of(**switches)
        org = Org(org_id[:15], es_developer_name, switches_given, path_prefix=path_prefix)
        super().__init__(org, Agents(org), state_file=state_file)

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return messaging_app(self, self.world)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure as {message, errorCode}."""
        answer = error_answer(failure.status, "The simulator was told to fail.")
        if failure.retry_after is not None:
            answer.headers["Retry-After"] = str(failure.retry_after)
        return answer

    def desk_view(self, conversation: Conversation) -> dict[str, Any]:
        """Return one conversation for the desk."""
        return desk_view(self.world, conversation)

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self, *, is_cut: bool = False) -> None:
        """End every open stream; with `is_cut` in the middle, as a broken connection does."""
        for stream in self.world.events.open_streams():
            stream.close(is_cut=is_cut)

    def close_streams(self) -> None:
        """End every open stream because the server stops."""
        self.drop_streams()

    def stall_streams(self, *, seconds: float) -> None:
        """Let the streams that are open now be silent, pings included; their events wait."""
        for stream in self.world.events.open_streams():
            stream.stall(seconds)

    def expire_tokens(self) -> None:
        """Let every token issued so far expire; its streams close."""
        with self.change():
            self.world.tokens.expire_all()
            self.drop_streams()

    def tell_expiry(self) -> None:
        """Let every token expire; open streams say so and are silent then, but stay open."""
        with self.change():
            for stream in self.world.events.open_streams():
                stream.is_mute = True
                stream.notify()
            self.world.tokens.expire_all()

    def duplicate_next(self, *, event: str | None = None) -> None:
        """Deliver the next event (of this name) twice."""
        self.world.events.faults.duplicate_next(event)

    def swap_next_two(self, *, event: str | None = None) -> None:
        """Deliver the next event (of this name) after the one that follows it."""
        self.world.events.faults.swap_next_two(event)

    def send_unknown_event(self) -> None:
        """Send every open conversation an event of a type no client knows."""
        for conversation in self._told(None):
            data = json.dumps({"conversationId": conversation.conversation_id, "new": True})
            self.world.events.publish(conversation.subject, "CONVERSATION_SOMETHING_NEW", data)

    def send_malformed_event(self, *, conversation_id: str | None = None) -> None:
        """Send a message event whose data is cut off in the middle."""
        for conversation in self._told(conversation_id):
            data = json.dumps({"conversationId": conversation.conversation_id})[:-8]
            self.world.events.publish(conversation.subject, "CONVERSATION_MESSAGE", data)

    def send_malformed_payload(self, *, conversation_id: str | None = None) -> None:
        """Send a message event whose envelope is good and whose payload does not parse."""
        for conversation in self._told(conversation_id):
            entry = replace(conversation.entries[-1], identifier=str(uuid.uuid4()))
            envelope = self.world.envelope(conversation, entry)
            envelope["conversationEntry"]["entryPayload"] = '{"entryType": "Message", "abstractMess'
            data = json.dumps(envelope)
            self.world.events.publish(conversation.subject, "CONVERSATION_MESSAGE", data)

    def replay_oldest(self, count: int) -> None:
        """Stream the oldest messages of each conversation's live agents again, ids and all."""
        for conversation in self._told(None):
            said = [one for one in conversation.messages() if one.sender["role"] == "Agent"]
            for entry in said[:count]:
                self.world.say_again(conversation, entry)

    def _told(self, conversation_id: str | None) -> Iterator[Conversation]:
        with self.change():
            for conversation in self.world.conversations.values():
                if conversation_id in (None, conversation.conversation_id):
                    yield conversation


def _own(simulator: Simulator) -> SalesforceMessagingSimulator:
    return cast("SalesforceMessagingSimulator", simulator)
