"""How far a thread has come: pushes and history into events, each with the session to store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from integrations.contract.events import (
    LiveAgentTyping,
    QueuePositionChanged,
    TransferStarted,
    UnknownEvent,
)
from integrations.kit.digital_messages.messages import MessageProgress, live_agent_of
from integrations.kit.digital_messages.progress import RESOLVED, Step
from integrations.kit.json_values import Json, as_count, as_id, as_moment, as_object, as_text
from integrations.vendors.nice_chat.mapping.frames import Push

_IGNORED = frozenset(
    {
        "ConsumerContactInboxPreAssigneeChanged",
        "ContactPreferredUserChanged",
        "ContactRecipientsChanged",
        "MessageSent",
        "MessageDeliveryStatusChanged",
        "UserStatusChanged",
        "PageViewCreated",
        "FireProactiveAction",
        "MessagePreviewCreated",
        "MessageNoteCreated",
    }
)


class ThreadProgress(MessageProgress):
    """Applies what is told of one thread; does no I/O."""

    def apply(self, push: Push) -> list[Step]:
        """Apply a push; those of other threads and after the end say nothing."""
        if self.has_ended or push.thread_id not in ("", self.session.vendor_conversation_id):
            return []
        if reader := _READERS.get(push.event):
            return list(reader(self, push))
        if push.event in _IGNORED:
            return []
        return [self._step(UnknownEvent, f"{push.id}", push.at, name=push.event[:64] or "empty")]

    def recovered(self, found: Json, messages: list[Json]) -> list[Step]:
        """Apply what a recovery found: who has the contact, what was said, how it stands."""
        contact, now = as_object(found.get("contact")), datetime.now(UTC)
        contact_id, status = as_text(contact.get("id")), as_text(contact.get("status"))
        is_archived = as_object(found.get("thread")).get("canAddMoreMessages") is False
        is_over = is_archived or self._is_replaced_by(contact_id) or status in self._over
        if contact_id and not self._is_replaced_by(contact_id):
            self._update(contact_id=contact_id)
        steps: list[Step] = []
        for message in messages:
            steps += self._inferred(message)
            steps += self.message(message)
        if assignee := as_object(found.get("inboxAssignee")) or not is_over:
            steps += self._assigned(as_object(assignee), now)
        if is_over:
            steps += self.ended(now)
        return steps

    # -- Pushes --------------------------------------------------------------------------------

    def _message(self, push: Push) -> Iterator[Step]:
        is_update = push.event == "MessageUpdated"
        yield from self.message(as_object(push.data.get("message")), is_update=is_update)

    def _read(self, push: Push) -> Iterator[Step]:
        message = as_object(push.data.get("message"))
        if message.get("direction") == "inbound":
            yield from self._receipt(message, push.at)

    def _typing(self, push: Push) -> Iterator[Step]:
        user, direction = as_object(push.data.get("user")), push.data.get("direction")
        is_theirs = direction == "outbound" if direction else bool(user)
        if is_theirs:
            agent_id = as_id(user.get("id"))
            is_typing = push.event == "SenderTypingStarted"
            yield self._step(
                LiveAgentTyping, push.id, push.at, agent_id=agent_id, is_typing=is_typing
            )

    def _created(self, push: Push) -> Iterator[Step]:
        """Take a new contact for the current one: the same thread may have several in turn."""
        contact_id = as_text(as_object(push.data.get("case")).get("id"))
        if self._is_replaced_by(contact_id):
            yield from self.ended(push.at)
        elif contact_id:
            self._update(contact_id=contact_id)

    def _status(self, push: Push) -> Iterator[Step]:
        case = as_object(push.data.get("case"))
        contact_id, status = as_text(case.get("id")), as_text(case.get("status"))
        if not self.contact_id:
            self._update(contact_id=contact_id)
        if contact_id == self.contact_id and status in self._over:
            yield from self.ended(push.at)

    def _assignee(self, push: Push) -> Iterator[Step]:
        if self._is_outdated(push):
            return
        self._update(assigned_at=push.at.isoformat())
        yield from self._assigned(as_object(push.data.get("inboxAssignee")), push.at)

    def _queue(self, push: Push) -> Iterator[Step]:
        """Tell of a transfer, where somebody had the contact before."""
        if self.had_agent:
            yield self._step(TransferStarted, push.id, push.at)

    def _position(self, push: Push) -> Iterator[Step]:
        contact = as_text(as_object(push.data.get("consumerContact")).get("id"))
        position = as_count(push.data.get("positionInQueue"))
        if contact not in ("", self.contact_id) or not position or self.agent:
            return
        yield self._step(QueuePositionChanged, push.id, push.at, position=position)

    # -- What they come to ----------------------------------------------------------------------

    def _inferred(self, message: Json) -> Iterator[Step]:
        """Tell that who wrote something new in the history has had the contact meanwhile."""
        at, user = as_moment(message.get("createdAtWithMilliseconds")), live_agent_of(message)
        seen = as_moment(self.session.cursor)
        if user and at is not None and (seen is None or at > seen):
            yield from self._assigned(user, at)

    def _is_replaced_by(self, contact_id: str) -> bool:
        """Say whether a new contact shows that the one with a live agent is over.

        Where a resolved contact does not end the conversation, its successor goes on with it.
        """
        is_another = bool(self.contact_id and contact_id and contact_id != self.contact_id)
        is_final = RESOLVED in self._over and self.had_agent
        return is_another and is_final

    def _is_outdated(self, push: Push) -> bool:
        seen = as_moment(self.session.state.get("assigned_at"))
        return seen is not None and push.at < seen


_READERS: Mapping[str, Callable[[ThreadProgress, Push], Iterator[Step]]] = {
    "CaseCreated": ThreadProgress._created,
    "CaseStatusChanged": ThreadProgress._status,
    "CaseInboxAssigneeChanged": ThreadProgress._assignee,
    "CaseToRoutingQueueAssignmentChanged": ThreadProgress._queue,
    "SetPositionInQueue": ThreadProgress._position,
    "SenderTypingStarted": ThreadProgress._typing,
    "SenderTypingEnded": ThreadProgress._typing,
    "MessageCreated": ThreadProgress._message,
    "MessageAddedIntoCase": ThreadProgress._message,
    "MessageUpdated": ThreadProgress._message,
    "MessageReadChanged": ThreadProgress._read,
    "MessageSeenChanged": ThreadProgress._read,
}
