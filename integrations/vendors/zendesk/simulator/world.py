"""The simulated account together with its two webhook systems: what every action works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integrations.vendors.zendesk.simulator.account import Account
from integrations.vendors.zendesk.simulator.answers import (
    message_answer,
    truncated_conversation,
    truncated_user,
    user_answer,
)
from integrations.vendors.zendesk.simulator.events import EventOffice
from integrations.vendors.zendesk.simulator.state import (
    Conversation,
    Message,
    User,
    Webhook,
    time_text,
)
from integrations.vendors.zendesk.simulator.ticket_events import TicketEventOffice


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One account and how it tells the portal what happens."""

    account: Account
    events: EventOffice
    ticket_events: TicketEventOffice

    def tell(self, conversation: Conversation, kind: str, payload: dict[str, Any]) -> None:
        """Publish an event whose payload is the same for every webhook."""
        shown = {"conversation": truncated_conversation(self.account, conversation), **payload}
        self.events.publish(kind, lambda _webhook: shown, conversation=conversation)

    def shown_user(self, webhook: Webhook, user: User) -> dict[str, Any]:
        """Return a user as a webhook wants them."""
        return user_answer(user) if webhook.include_full_user else truncated_user(user)

    def add_message(self, conversation: Conversation, message: Message) -> None:
        """Append a message and echo it to every integration that hears the conversation."""
        conversation.messages.append(message)
        conversation.updated_ms = message.received_ms
        where = truncated_conversation(self.account, conversation)

        def payload(webhook: Webhook) -> dict[str, Any]:
            shown = message_answer(message)
            shown["author"] = self.shown_author(webhook, message.author)
            if not self.account.switches.webhook_messages_have_activity:
                shown.pop("activity", None)
            return {"conversation": where, "message": shown, "recentNotifications": []}

        self.events.publish("conversation:message", payload, conversation=conversation)

    def shown_author(self, webhook: Webhook, author: dict[str, Any]) -> dict[str, Any]:
        """Return an author as a webhook wants it: a user comes with the user."""
        user = self.account.users.get(author.get("userId", ""))
        return author if user is None else {**author, "user": self.shown_user(webhook, user)}

    def tell_activity(
        self,
        conversation: Conversation,
        activity_type: str,
        author: dict[str, Any],
        source: dict[str, Any],
    ) -> None:
        """Publish typing or reading."""
        is_read = activity_type == "conversation:read"
        where = truncated_conversation(self.account, conversation)

        def payload(webhook: Webhook) -> dict[str, Any]:
            shown = self.shown_author(webhook, author)
            activity = {"type": activity_type, "author": shown, "source": source}
            return {"conversation": where, "activity": activity}

        kind = "conversation:read" if is_read else "conversation:typing"
        self.events.publish(kind, payload, conversation=conversation)

    def note(self, conversation: Conversation, text: str) -> None:
        """Add a line to what the desk shows of the conversation."""
        conversation.timeline.append(
            {
                "order": conversation.next_order(),
                "at": time_text(self.account.now_ms()),
                "text": text,
            }
        )
