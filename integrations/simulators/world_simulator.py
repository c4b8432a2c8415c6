"""A simulator made of a world, its live agents and what is special about its vendor."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from starlette.responses import Response

from integrations.simulators.desk import Action, Fault, Fields
from integrations.simulators.live_agents import LiveAgents
from integrations.simulators.records import file_of
from integrations.simulators.simulator import Simulator
from integrations.simulators.world import World

W = TypeVar("W", bound=World[Any, Any])


class WorldSimulator(Simulator, Generic[W]):
    """Looks the conversation up, holds the lock and saves; world and live agents do the rest.

    A vendor writes its application, its failures, `desk_view` and what its event streams do.
    """

    def __init__(
        self, world: W, agents: LiveAgents[Any, Any], *, state_file: str | Path | None = None
    ) -> None:
        """Take what to work on, and go on from the state file where there is one."""
        self.world = world
        self.agents = agents
        super().__init__(state_file=state_file)
        self.lock = world.lock
        self.load_state()

    @property
    def base_url(self) -> str:
        """Return where the simulator is served."""
        return self.world.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        """Say where the simulator is served."""
        self.world.base_url = url

    @abstractmethod
    def desk_view(self, conversation: Any) -> dict[str, Any]:
        """Return one conversation in the desk's shape."""

    # -- The desk -----------------------------------------------------------------------------

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all conversations, oldest first."""
        with self.lock:
            return [self.desk_view(one) for one in self.world.conversations.values()]

    def desk_file(self, file_id: str) -> Response:
        """Return a file of a conversation."""
        return self.world.files.download(file_id)

    def configure(self, **switches: Any) -> None:
        """Change switches."""
        with self.change():
            self.world.configure(**switches)

    def configuration(self) -> dict[str, Any]:
        """Return the switches, and what follows from them."""
        return self.world.configuration()

    def set_agents_offline(self, *, is_offline: bool) -> None:
        """Have nobody there to take a conversation, or have them back."""
        self.configure(agents_offline=is_offline)

    def conversation(self, conversation_id: str) -> Any:
        """Return a conversation; raises DeskError for an unknown id."""
        return self.world.conversation(conversation_id)

    # -- Keeping ------------------------------------------------------------------------------

    def state_as_dict(self) -> dict[str, Any]:
        """Return the world."""
        return self.world.as_json()

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take over a kept world; a state from before there were worlds is left aside."""
        if "conversations" in state:
            self.world.restore(state)

    def forget(self) -> None:
        """Forget all records; switches go back to how the simulator was started."""
        self.world.forget()

    # -- The live agent -----------------------------------------------------------------------

    def live_agent_joins(self, conversation_id: str, *, agent_name: str) -> None:
        """Accept the waiting conversation, or join the colleague who has it."""
        with self.change():
            self.agents.join(self.conversation(conversation_id), agent_name)

    def live_agent_says(
        self, conversation_id: str, *, text: str, agent_name: str | None = None
    ) -> None:
        """Send a text."""
        with self.change():
            conversation = self.conversation(conversation_id)
            self.agents.say(conversation, self.agents.present(conversation, agent_name), text)

    def live_agent_types(
        self, conversation_id: str, *, is_typing: bool = True, agent_name: str | None = None
    ) -> None:
        """Start or stop the typing indicator."""
        with self.change():
            conversation = self.conversation(conversation_id)
            agent = self.agents.present(conversation, agent_name)
            self.agents.show_typing(conversation, agent, is_typing=is_typing)

    def live_agent_sends_file(
        self,
        conversation_id: str,
        *,
        name: str,
        mime_type: str,
        content: bytes,
        agent_name: str | None = None,
    ) -> None:
        """Send a file, which is put on record first."""
        with self.change():
            conversation = self.conversation(conversation_id)
            agent = self.agents.present(conversation, agent_name)
            stored = self.world.files.add(file_of(name=name, mime_type=mime_type, content=content))
            self.agents.send_file(conversation, agent, stored)

    def live_agent_reads(self, conversation_id: str) -> None:
        """Mark what the end user wrote as read."""
        with self.change():
            conversation = self.conversation(conversation_id)
            self.agents.read(conversation, self.agents.present(conversation))

    def live_agent_transfers(
        self, conversation_id: str, *, queue: str | None = None, agent_name: str | None = None
    ) -> None:
        """Hand the conversation to a queue, or to a colleague who accepts at once."""
        with self.change():
            conversation = self.conversation(conversation_id)
            if agent_name is not None:
                self.agents.transfer_to_agent(conversation, agent_name)
            elif queue is not None:
                self.agents.transfer_to_queue(conversation, queue)

    def live_agent_leaves(self, conversation_id: str, *, agent_name: str | None = None) -> None:
        """Leave; what becomes of the conversation with the last agent is the vendor's own."""
        with self.change():
            conversation = self.conversation(conversation_id)
            self.agents.leave(conversation, self.agents.present(conversation, agent_name))

    def live_agent_ends(self, conversation_id: str) -> None:
        """End the conversation for everybody."""
        with self.change():
            self.agents.end(self.conversation(conversation_id))


class PostingSimulator(WorldSimulator[W]):
    """A vendor that posts its events to the portal: what befalls them befalls the outbox."""

    @property
    def outbox(self) -> Any:
        """Return what posts the events, an `Outbox` or the like."""
        return cast("Any", self.world).outbox

    def sent_webhooks(self) -> list[dict[str, Any]]:
        """Return the events posted to the portal."""
        posted: list[dict[str, Any]] = self.outbox.deliveries()
        return posted

    def drop_streams(self) -> None:
        """Do nothing: there is no stream."""

    def stall_streams(self, *, seconds: float) -> None:
        """Post late for a while."""
        self.outbox.delay(seconds)
        timer = threading.Timer(seconds, self.outbox.delay, (0.0,))
        timer.daemon = True
        timer.start()

    def duplicate_next(self, *, event: str | None = None) -> None:
        """Post the next event (of this type) twice."""
        self.outbox.duplicate_next(event)

    def swap_next_two(self, *, event: str | None = None) -> None:
        """Post the next event (of this type) after the one that follows it."""
        self.outbox.swap_next_two(event)

    def close_streams(self) -> None:
        """Stop posting because the server stops."""
        self.outbox.close()


def mishap(act: Callable[[Any, Fields], object]) -> Fault:
    """Make a fault of the desk out of what befalls a vendor's world; it gets the call's fields."""

    def fault(simulator: Simulator, fields: dict[str, Any]) -> None:
        own = cast("WorldSimulator[World[Any, Any]]", simulator)
        with own.change():
            act(own.world, fields)

    return fault


def deed(act: Callable[[Any, Any, Fields], object]) -> Action:
    """Make an action of the desk out of what a vendor's live agents do in a conversation.

    It gets the simulator's live agents, the conversation and the fields of the desk's call.
    """

    def action(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
        own = cast("WorldSimulator[World[Any, Any]]", simulator)
        with own.change():
            act(own.agents, own.conversation(conversation_id), fields)

    return action
