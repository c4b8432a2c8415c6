"""Everything one simulated Zendesk account knows, and how it tells the portal what happens."""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from typing import Any

from integrations.simulators.desk import DeskError
from integrations.simulators.records import Files, Records, StoredFile
from integrations.simulators.world import World
from integrations.vendors.zendesk.simulator.answers import (
    message_answer,
    truncated_conversation,
    truncated_user,
    user_answer,
)
from integrations.vendors.zendesk.simulator.records import (
    AGENT_WORKSPACE,
    ANSWER_BOT,
    Conversation,
    ConversationFile,
    Group,
    Message,
    Person,
    SwitchboardIntegration,
    Ticket,
    User,
    Webhook,
    time_text,
)
from integrations.vendors.zendesk.simulator.switches import AccountSwitches
from integrations.vendors.zendesk.simulator.webhooks import EventOffice, TicketEventOffice

FILE_PATH = "/sc/media/{file_id}/{name}"
SWITCHBOARD_ID = "5b5b5b5b5b5b5b5b5b5b5b5b"
UNSAFE_LETTERS = re.compile(r"[^A-Za-z0-9._-]")
FIRST_TICKET_ID = 7711
FIRST_SUPPORT_USER_ID = 9001
FIRST_GROUP_ID = 31
# Names in the switchboard -> (switchboard integration id, integration id, type).
BUILT_IN = {
    "zd-agentWorkspace": ("4a4b4c4d4e4f4a4b4c4d4e4f", "5a5b5c5d5e5f5a5b5c5d5e5f", AGENT_WORKSPACE),
    "zd-answerBot": ("4b4c4d4e4f4a4b4c4d4e4f4a", "5b5c5d5e5f5a5b5c5d5e5f5a", ANSWER_BOT),
}
OWN_SWITCHBOARD_ID = "6a6b6c6d6e6f6a6b6c6d6e6f"
DEFAULTS = {
    "answer_bot": BUILT_IN["zd-answerBot"][0],
    "agent_workspace": BUILT_IN["zd-agentWorkspace"][0],
    "own": OWN_SWITCHBOARD_ID,
}


class AccountFiles(Files):
    """The files of both sides."""

    def __init__(self) -> None:
        """Have none."""
        Records.__init__(self, ConversationFile, "file_id")


class ZendeskWorld(World[AccountSwitches, Conversation]):
    """One account and its two webhook systems: what every action works on."""

    # Where the portal is called, and with which key.
    agreed_switches = ("webhook_target", "ticket_webhook_target", "ticket_webhook_key")

    def __init__(self, switches: AccountSwitches, *, path_prefix: str = "") -> None:
        """Begin with nothing on record."""
        super().__init__(switches, Records(Conversation, "conversation_id"))
        self.path_prefix = path_prefix
        self.files = self.part("files", AccountFiles())
        self.users = self.part("users", Records(User, "user_id"))
        self.created_webhooks = self.part("created_webhooks", Records(Webhook, "webhook_id"))
        self.tickets = self.part("tickets", Records(Ticket, "ticket_id"))
        self.people = self.part("support_people", Records(Person, "user_id"))
        self.groups = self.part("support_groups", Records(Group, "group_id"))
        # What was changed by API of those who can have control.
        self.changed_integrations = self.part(
            "changed_integrations", Records(SwitchboardIntegration, "switchboard_integration_id")
        )
        self.calls_at: list[float] = []
        self.events = EventOffice(self)
        self.ticket_events = TicketEventOffice(self)
        self._last_ms = 0

    def forget(self) -> None:
        """Forget all records and webhooks; switches go back, but for what the portal agreed on."""
        super().forget()
        self.calls_at.clear()
        self.events.forget()
        self.ticket_events.sender.forget()

    def root_url(self) -> str:
        """Return where the account is served."""
        return self.base_url + self.path_prefix

    def now_ms(self) -> int:
        """Return the clock in epoch milliseconds; never the same instant twice."""
        self._last_ms = max(time.time_ns() // 1_000_000, self._last_ms + 1)
        return self._last_ms

    # -- Finding ------------------------------------------------------------------------------

    def find_user(self, user_id_or_external_id: str) -> User | None:
        """Return a user by either id."""
        if user_id_or_external_id in self.users:
            return self.users[user_id_or_external_id]
        return next(
            (one for one in self.users.values() if one.external_id == user_id_or_external_id), None
        )

    def conversation(self, conversation_id: str) -> Conversation:
        """Return a conversation for the desk; raises DeskError for anything else."""
        if self.ticket_by_api(conversation_id) is not None:
            raise DeskError(409, "Nobody chats in this ticket; only its status can be set.")
        return super().conversation(conversation_id)

    def ticket_by_api(self, identifier: str) -> Ticket | None:
        """Return a ticket that is no conversation, by its number."""
        found = self.tickets.get(int(identifier)) if identifier.isdigit() else None
        return found if found and found.conversation_id is None else None

    def person(self, conversation: Conversation) -> User | None:
        """Return the end user of a conversation, where there is one."""
        for participant in conversation.participants:
            return self.users.get(participant.user_id)
        return None

    def conversations_of(self, user: User) -> list[Conversation]:
        """Return a user's conversations, oldest first."""
        return [
            one
            for one in self.conversations.values()
            if user.user_id in [participant.user_id for participant in one.participants]
        ]

    def webhooks(self) -> list[Webhook]:
        """Return all webhooks: the one made with the integration, then those made by API."""
        switches = self.switches
        first = Webhook(
            integration_id=switches.integration_id,
            webhook_id=switches.webhook_id,
            target=switches.webhook_target,
            triggers=switches.webhook_triggers,
            secret=switches.shared_secret,
            include_full_user=switches.include_full_user,
            include_full_source=switches.include_full_source,
        )
        return [*([first] if switches.webhook_id else []), *self.created_webhooks.values()]

    # -- The switchboard ----------------------------------------------------------------------

    def switchboard_integrations(self) -> list[SwitchboardIntegration]:
        """Return Agent Workspace, the AI agent and the portal's own integration."""
        rows = [(name, *row) for name, row in BUILT_IN.items()]
        own = (self.switches.own_switchboard_name, OWN_SWITCHBOARD_ID)
        rows.append((*own, self.switches.integration_id, "custom"))
        return [self._integration(*row) for row in rows]

    def _integration(
        self, name: str, identifier: str, integration_id: str, kind: str
    ) -> SwitchboardIntegration:
        changed = self.changed_integrations.get(identifier)
        is_standby = changed.deliver_standby_events if changed else None
        if is_standby is None:
            is_standby = kind == "custom" and self.switches.deliver_standby_events
        workspace = DEFAULTS["agent_workspace"]
        usual_next = self.default_id if identifier == workspace else workspace
        return SwitchboardIntegration(
            name=name,
            switchboard_integration_id=identifier,
            integration_id=integration_id,
            integration_type=kind,
            deliver_standby_events=is_standby,
            next_id=(changed.next_id if changed else None) or usual_next,
        )

    @property
    def default_id(self) -> str:
        """Return the switchboard integration that gets new conversations."""
        return DEFAULTS[self.switches.default_switchboard]

    def switchboard_integration(self, identifier: str | None) -> SwitchboardIntegration | None:
        """Return a switchboard integration by its id."""
        found = self.switchboard_integrations()
        return next((one for one in found if one.switchboard_integration_id == identifier), None)

    def is_with_workspace(self, conversation: Conversation) -> bool:
        """Tell whether Agent Workspace controls a conversation."""
        return conversation.active == DEFAULTS["agent_workspace"]

    # -- Support ------------------------------------------------------------------------------

    def support_user_id(self, name: str) -> int:
        """Return the id of an agent, the same one every time."""
        return self.support_user(name, name=name).user_id

    def support_user(self, key: str, **about: str | None) -> Person:
        """Return the Support user kept under a key, made where there is none."""
        known = next((one for one in self.people.values() if one.key == key), None)
        identifier = FIRST_SUPPORT_USER_ID + len(self.people)
        return known or self.people.add(Person(user_id=identifier, key=key, **about))  # type: ignore[arg-type]

    def group_id(self, name: str) -> int:
        """Return the id of a group, the same one every time; the account's queue is the first."""
        for wanted in (self.switches.queue, name):
            if wanted not in [one.name for one in self.groups.values()]:
                identifier = FIRST_GROUP_ID + len(self.groups)
                self.groups.add(Group(group_id=identifier, name=wanted))
        return next(one.group_id for one in self.groups.values() if one.name == name)

    def group(self, identifier: object) -> Group | None:
        """Return a group by its id."""
        self.group_id(self.switches.queue)
        return self.groups.get(identifier)

    # -- Files --------------------------------------------------------------------------------

    def keep_file(self, stored: StoredFile, conversation_id: str | None) -> ConversationFile:
        """Put a file on record, tied to a conversation or to none."""
        kept = ConversationFile(**asdict(stored))
        kept.conversation_id = conversation_id
        self.files.add(kept)
        return kept

    def file_url(self, stored: StoredFile) -> str:
        """Return the address of a file."""
        name = UNSAFE_LETTERS.sub("_", stored.name) or "file"
        return self.root_url() + FILE_PATH.format(file_id=stored.file_id, name=name)

    def file_at(self, url: object) -> ConversationFile | None:
        """Return the file with an address."""
        found = (one for one in self.files.values() if self.file_url(one) == url)
        return next(found, None)  # type: ignore[return-value]  # AccountFiles holds no other

    # -- Telling ------------------------------------------------------------------------------

    def tell(self, conversation: Conversation, kind: str, payload: dict[str, Any]) -> None:
        """Publish an event whose payload is the same for every webhook."""
        shown = {"conversation": truncated_conversation(self, conversation), **payload}
        self.events.publish(kind, lambda _webhook: shown, conversation=conversation)

    def shown_user(self, webhook: Webhook, user: User) -> dict[str, Any]:
        """Return a user as a webhook wants them."""
        return user_answer(user) if webhook.include_full_user else truncated_user(user)

    def add_message(self, conversation: Conversation, message: Message) -> None:
        """Append a message and echo it to every integration that hears the conversation."""
        conversation.messages.append(message)
        conversation.updated_ms = message.received_ms
        where = truncated_conversation(self, conversation)

        def payload(webhook: Webhook) -> dict[str, Any]:
            shown = message_answer(message)
            shown["author"] = self.shown_author(webhook, message.author)
            if not self.switches.webhook_messages_have_activity:
                shown.pop("activity", None)
            return {"conversation": where, "message": shown, "recentNotifications": []}

        self.events.publish("conversation:message", payload, conversation=conversation)

    def shown_author(self, webhook: Webhook, author: dict[str, Any]) -> dict[str, Any]:
        """Return an author as a webhook wants it: a user comes with the user."""
        user = self.users.get(author.get("userId", ""))
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
        where = truncated_conversation(self, conversation)

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
                "at": time_text(self.now_ms()),
                "text": text,
            }
        )
