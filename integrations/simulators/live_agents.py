"""What live agents do at a pretend vendor; the simulator has found the conversation before."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from integrations.simulators.desk import DeskError
from integrations.simulators.records import StoredFile

C = TypeVar("C")
A = TypeVar("A")


class LiveAgents(ABC, Generic[C, A]):
    """A vendor writes what each deed does in a conversation of kind C, by an agent of kind A.

    Each may refuse with a DeskError. The simulator holds the lock meanwhile and saves afterwards.
    """

    # -- Subclasses write these --------------------------------------------------------------

    @abstractmethod
    def those_in(self, conversation: C) -> Mapping[str, A]:
        """Return who is in, by name, in order of arrival; may refuse what is over."""

    @abstractmethod
    def join(self, conversation: C, agent_name: str) -> None:
        """Accept the waiting conversation, or join the colleague who has it."""

    @abstractmethod
    def say(self, conversation: C, agent: A, text: str) -> None:
        """Send a text to the end user."""

    @abstractmethod
    def show_typing(self, conversation: C, agent: A, *, is_typing: bool) -> None:
        """Start or stop the typing indicator."""

    @abstractmethod
    def send_file(self, conversation: C, agent: A, stored: StoredFile) -> None:
        """Send a file, which is on record already."""

    @abstractmethod
    def read(self, conversation: C, agent: A) -> None:
        """Mark what the end user wrote as read."""

    @abstractmethod
    def transfer_to_queue(self, conversation: C, queue: str) -> None:
        """Hand the conversation to a queue."""

    @abstractmethod
    def transfer_to_agent(self, conversation: C, agent_name: str) -> None:
        """Hand the conversation to a colleague who accepts at once."""

    @abstractmethod
    def leave(self, conversation: C, agent: A) -> None:
        """Leave the conversation; the last one to leave ends it."""

    @abstractmethod
    def end(self, conversation: C) -> None:
        """End the conversation for everybody."""

    # -- Subclasses leave these alone --------------------------------------------------------

    def present(self, conversation: C, agent_name: str | None = None) -> A:
        """Return an agent who is in, without a name the first; raises DeskError for others."""
        found = self.those_in(conversation)
        if not found:
            raise DeskError(409, "No agent is in this conversation; accept it first.")
        if agent_name is None:
            return next(iter(found.values()))
        if agent_name not in found:
            raise DeskError(409, f"{agent_name} is not in this conversation.")
        return found[agent_name]


def refuse_twice(agent_name: str, names: Iterable[str]) -> None:
    """Refuse an agent who is in already."""
    if agent_name in names:
        raise DeskError(409, f"{agent_name} is in this conversation already.")
