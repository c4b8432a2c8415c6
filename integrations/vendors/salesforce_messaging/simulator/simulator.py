"""A pretend Salesforce org that speaks Enhanced Chat API v2, written from its contract alone."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, Fault
from integrations.simulators.simulator import DeskError, DeskWords, Simulator
from integrations.simulators.traffic import PlannedFailure
from integrations.vendors.salesforce_messaging.simulator import messages, routing
from integrations.vendors.salesforce_messaging.simulator.answers import error_answer
from integrations.vendors.salesforce_messaging.simulator.extras import EXTRA_ACTIONS, EXTRA_FAULTS
from integrations.vendors.salesforce_messaging.simulator.http import messaging_app
from integrations.vendors.salesforce_messaging.simulator.org import Org, Switches
from integrations.vendors.salesforce_messaging.simulator.state import Conversation
from integrations.vendors.salesforce_messaging.simulator.view import desk_view


class SalesforceMessagingSimulator(Simulator):
    """One org with one Messaging channel and one published Custom Client deployment.

    Keyword arguments beyond the named ones are switches: see `Switches`.
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
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS

    def __init__(
        self,
        org_id: str = "00D8Y0000012abc",
        es_developer_name: str = "Portal_Handoff",
        *,
        path_prefix: str = "",
        state_file: str | Path | None = None,
        **switches: Any,
    ) -> None:
        super().__init__(state_file=state_file)
        self.org = Org(org_id[:15], es_developer_name, self.lock, path_prefix=path_prefix)
        self._first_switches = switches
        self.org.switches.change(**switches)
        self.load_state()

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return messaging_app(self, self.org)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure as {message, errorCode}."""
        answer = error_answer(failure.status, "The simulator was told to fail.")
        if failure.retry_after is not None:
            answer.headers["Retry-After"] = str(failure.retry_after)
        return answer

    def state_as_dict(self) -> dict[str, Any]:
        """Return the org."""
        return self.org.as_dict()

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take over a kept org."""
        self.org.restore(state)

    def forget(self) -> None:
        """Forget all records; switches go back to how the simulator was started."""
        self.org.forget()
        self.org.switches = Switches()
        self.org.switches.change(**self._first_switches)

    # -- The desk -----------------------------------------------------------------------------

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all conversations, oldest first."""
        with self.lock:
            return [desk_view(self.org, one) for one in self.org.conversations.values()]

    def desk_file(self, file_id: str) -> Response:
        """Return a file of a conversation."""
        stored = self.org.files.get(file_id)
        if stored is None:
            raise DeskError(404, "There is no such file.")
        name = stored.name.replace('"', "").encode("ascii", "replace").decode()
        return Response(
            base64.b64decode(stored.content_base64),
            media_type=stored.mime_type,
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    def configure(self, **switches: Any) -> None:
        """Change switches; `register_key` puts a customer's public key on the keyset."""
        with self.change():
            key = switches.pop("register_key", None)
            self.org.switches.change(**switches)
            if key is not None:
                self.org.tokens.register_key(**key)

    def configuration(self) -> dict[str, Any]:
        """Return the switches and the ids of the registered keys."""
        return {
            **asdict(self.org.switches),
            "org_id": self.org.org_id,
            "es_developer_name": self.org.es_developer_name,
            "registered_keys": self.org.tokens.registered_kids(),
        }

    # -- The live agent -----------------------------------------------------------------------

    def live_agent_joins(self, conversation_id: str, *, agent_name: str) -> None:
        """Accept the waiting conversation, or join the colleague who has it."""
        with self.change():
            conversation = self.conversation(conversation_id)
            routing.accept(self.org, conversation, agent_name)
            messages.deliver_pending(self.org, conversation)

    def live_agent_says(
        self, conversation_id: str, *, text: str, agent_name: str | None = None
    ) -> None:
        """Send a text."""
        self.live_agent_sends(
            conversation_id, message=messages.static_text(text), agent_name=agent_name
        )

    def live_agent_sends(
        self, conversation_id: str, *, message: Mapping[str, Any], agent_name: str | None = None
    ) -> None:
        """Send any abstract message, given without its id."""
        with self.change():
            conversation = self.conversation(conversation_id)
            agent = routing.find_agent(routing.active_session(conversation), agent_name)
            messages.say(self.org, conversation, agent, message)

    def live_agent_types(
        self, conversation_id: str, *, is_typing: bool = True, agent_name: str | None = None
    ) -> None:
        """Start or stop the typing indicator."""
        with self.change():
            conversation = self.conversation(conversation_id)
            agent = routing.find_agent(routing.active_session(conversation), agent_name)
            messages.show_typing(self.org, conversation, agent, is_typing=is_typing)

    def live_agent_sends_file(
        self,
        conversation_id: str,
        *,
        name: str,
        mime_type: str,
        content: bytes,
        agent_name: str | None = None,
    ) -> None:
        """Send a file; the end user's client gets an address without a token."""
        with self.change():
            routing.active_session(self.conversation(conversation_id))
            stored = messages.store_file(self.org, name=name, mime_type=mime_type, content=content)
            url = self.org.file_url(self.base_url, stored.file_id)
            self.live_agent_sends(
                conversation_id, message=messages.attachments(stored, url), agent_name=agent_name
            )

    def live_agent_reads(self, conversation_id: str) -> None:
        """Mark what the end user wrote as read."""
        with self.change():
            conversation = self.conversation(conversation_id)
            agent = routing.find_agent(routing.active_session(conversation), None)
            messages.mark_read(self.org, conversation, agent)

    def live_agent_transfers(
        self, conversation_id: str, *, queue: str | None = None, agent_name: str | None = None
    ) -> None:
        """Hand the work to a queue, or to a colleague who accepts at once."""
        with self.change():
            conversation = self.conversation(conversation_id)
            if agent_name is not None:
                routing.transfer_to_agent(self.org, conversation, agent_name)
            elif queue is not None:
                routing.transfer_to_queue(self.org, conversation, queue)

    def live_agent_leaves(
        self,
        conversation_id: str,
        *,
        agent_name: str | None = None,
        is_session_kept: bool = False,
    ) -> None:
        """Leave; with the last agent the session ends, unless the org keeps quiet about it."""
        with self.change():
            routing.leave(
                self.org,
                self.conversation(conversation_id),
                agent_name,
                is_session_kept=is_session_kept,
            )

    def live_agent_ends(self, conversation_id: str) -> None:
        """End the messaging session."""
        with self.change():
            conversation = self.conversation(conversation_id)
            routing.active_session(conversation)
            routing.end_session(self.org, conversation, "Agent")

    def conversation(self, conversation_id: str) -> Conversation:
        """Return a conversation; raises DeskError for an unknown id."""
        if conversation_id not in self.org.conversations:
            raise DeskError(404, "There is no such conversation.")
        return self.org.conversations[conversation_id]

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self, *, is_cut: bool = False) -> None:
        """End every open stream; with `is_cut` in the middle, as a broken connection does."""
        for stream in self.org.events.open_streams():
            stream.close(is_cut=is_cut)

    def close_streams(self) -> None:
        """End every open stream because the server stops."""
        self.drop_streams()

    def stall_streams(self, *, seconds: float) -> None:
        """Let the streams that are open now be silent, pings included; their events wait."""
        for stream in self.org.events.open_streams():
            stream.stall(seconds)

    def expire_tokens(self) -> None:
        """Let every token issued so far expire; its streams close."""
        with self.change():
            self.org.tokens.expire_all()
            self.drop_streams()

    def duplicate_next(self, *, event: str | None = None) -> None:
        """Deliver the next event (of this name) twice."""
        self.org.events.duplicate_next(event)

    def swap_next_two(self, *, event: str | None = None) -> None:
        """Deliver the next event (of this name) after the one that follows it."""
        self.org.events.swap_next_two(event)

    def set_agents_offline(self, *, is_offline: bool) -> None:
        """Have routing fail because no agent is there."""
        self.configure(agents_offline=is_offline)

    def send_unknown_event(self) -> None:
        """Send every open conversation an event of a type no client knows."""
        with self.change():
            for conversation in self.org.conversations.values():
                data = json.dumps({"conversationId": conversation.conversation_id, "new": True})
                self.org.events.publish(conversation.subject, "CONVERSATION_SOMETHING_NEW", data)

    def send_malformed_event(self, *, conversation_id: str | None = None) -> None:
        """Send a message event whose data is cut off in the middle."""
        with self.change():
            for conversation in self.org.conversations.values():
                if conversation_id in (None, conversation.conversation_id):
                    data = json.dumps({"conversationId": conversation.conversation_id})[:-8]
                    self.org.events.publish(conversation.subject, "CONVERSATION_MESSAGE", data)

    def send_malformed_payload(self, *, conversation_id: str | None = None) -> None:
        """Send a message event whose envelope is good and whose payload does not parse."""
        with self.change():
            for conversation in self.org.conversations.values():
                if conversation_id in (None, conversation.conversation_id):
                    self.org.publish_broken_payload(conversation, str(uuid.uuid4()))
