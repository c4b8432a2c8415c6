"""Everything one simulated Zendesk account knows and may be set to, and how it tells of it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from integrations.simulators.desk import DeskError
from integrations.simulators.records import Files, Records, StoredFile
from integrations.simulators.switches import Switches
from integrations.simulators.world import World
from integrations.vendors.zendesk.simulator.checks import TRIGGERS
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
from integrations.vendors.zendesk.simulator.webhooks import (
    ASSIGNMENT_CHANGED,
    STATUS_CHANGED,
    EventOffice,
    TicketEventOffice,
)

FILE_PATH = "/sc/media/{file_id}/{name}"
UNSAFE_LETTERS = re.compile(r"[^A-Za-z0-9._-]")
FIRST_TICKET_ID = 7711
FIRST_SUPPORT_USER_ID = 9001
FIRST_GROUP_ID = 31
WORKSPACE_ID = "4a4b4c4d4e4f4a4b4c4d4e4f"
OWN_SWITCHBOARD_ID = "6a6b6c6d6e6f6a6b6c6d6e6f"
# Switchboard integration id -> name, integration id, type; those of the account beside our own.
BUILT_IN = {
    WORKSPACE_ID: ("zd-agentWorkspace", "5a5b5c5d5e5f5a5b5c5d5e5f", AGENT_WORKSPACE),
    "4b4c4d4e4f4a4b4c4d4e4f4a": ("zd-answerBot", "5b5c5d5e5f5a5b5c5d5e5f5a", ANSWER_BOT),
}
DEFAULTS = dict(
    zip(("agent_workspace", "answer_bot", "own"), [*BUILT_IN, OWN_SWITCHBOARD_ID], strict=True)
)


@dataclass(kw_only=True)
class AccountSwitches(Switches):
    """The account's settings, with the invented values of the contract's examples."""

    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "default_switchboard": ("answer_bot", "agent_workspace", "own"),
        "closed_control": ("pass", "release", "none"),
    }

    subdomain: str = "brightside"
    account_id: int = 424242
    app_id: str = "aa11bb22cc33dd44ee55ff66"
    integration_id: str = "bb11cc22dd33ee44ff55aa66"
    own_switchboard_name: str = "handoff-portal"
    # Key id -> secret; the prefix of the id is the key's scope.
    keys: dict[str, str] = field(
        default_factory=lambda: {
            "int_cc11dd22ee33ff44aa55bb66": "simulated-integration-key-secret",
            "app_ab12cd34ef56ab12cd34ef56": "simulated-app-key-secret",
        }
    )

    are_keys_revoked: bool = False

    # The Conversations webhook that was made with the integration.
    webhook_id: str = "dd11ee22ff33aa44bb55cc66"
    webhook_target: str = ""
    webhook_triggers: list[str] = field(default_factory=lambda: list(TRIGGERS))
    shared_secret: str = "simulated-shared-secret"  # noqa: S105 - invented
    include_full_user: bool = False
    include_full_source: bool = False

    # The ticket event webhook.
    ticket_webhook_id: str = "01SIMULATEDTICKETWEBHOOK00"
    ticket_webhook_target: str = ""
    ticket_webhook_events: list[str] = field(
        default_factory=lambda: [STATUS_CHANGED, ASSIGNMENT_CHANGED]
    )
    ticket_webhook_header: str = "X-Portal-Ticket-Key"
    ticket_webhook_key: str = "simulated-ticket-webhook-key"
    ticket_webhook_signing_secret: str = "c2ltdWxhdGVkLXNpZ25pbmctc2VjcmV0"  # noqa: S105 - invented

    # The ticketing API.
    support_email: str = "integration@brightside.example"
    support_api_token: str = "simulated-support-api-token"  # noqa: S105 - invented
    support_role: str = "admin"
    # Custom ticket fields of the account; empty takes any. What is not here vanishes silently.
    ticket_field_ids: list[str] = field(default_factory=list)
    queue: str = "Support"

    # Who controls a new conversation: the AI agent, Agent Workspace or the portal's integration.
    default_switchboard: str = "answer_bot"
    is_switchboard_enabled: bool = True
    # The contract gives true for an integration made by API; accounts in the wild have it off,
    # and agents' messages then never arrive. Off is the stricter pretence.
    deliver_standby_events: bool = False
    # An invalid target is answered 404 and told as an event; with this, as an event only.
    is_control_failure_quiet: bool = False
    # What a closed ticket does with control: both are described, none is what a vendor reports.
    closed_control: str = "pass"
    # Whether Agent Workspace tells of typing and reading is not confirmed.
    agent_typing_events: bool = True
    agent_read_events: bool = False
    # Examples show it in the webhook's message, the schema does not.
    webhook_messages_have_activity: bool = True
    # Whether the ticket event carries tags that were set by passControl is not confirmed.
    ticket_events_have_tags: bool = True
    auto_response: str | None = None
    # What the account's AI agent is called.
    bot_name: str = "Brightside Assistant"
    # Accounts may hide their live agents' names: a message then has an agent's id alone.
    agents_are_nameless: bool = False

    agents_offline: bool = False
    private_attachments: bool = False
    # Files are behind one redirect, at an address whose path holds an encoded slash.
    redirected_attachments: bool = False
    message_limit: int = 30_000
    upload_limit: int = 50_000_000
    batch_window_ms: float = 15
    # Retries are waited for this many times faster than Zendesk waits.
    retry_speed: float = 1
    rate_limit_per_minute: int | None = None
    rate_limit_retry_after: int | None = None

    def change(self, **values: Any) -> None:
        """Set switches by name; raises DeskError for an unknown name or a wrong value."""
        if values.get("retry_speed") == 0:
            raise DeskError(400, "retry_speed must be above 0.")
        super().change(**values)


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

    def find_user(self, any_id: object) -> User | None:
        """Return a user by either id."""
        found = (one for one in self.users.values() if any_id in (one.user_id, one.external_id))
        return self.users.get(any_id) or next(found, None)

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
        first = next(iter(conversation.participants), None)
        return self.users.get(first.user_id) if first else None

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
        own = (self.switches.own_switchboard_name, self.switches.integration_id, "custom")
        rows = {**BUILT_IN, OWN_SWITCHBOARD_ID: own}
        return [self._integration(identifier, *row) for identifier, row in rows.items()]

    def _integration(
        self, identifier: str, name: str, integration_id: str, kind: str
    ) -> SwitchboardIntegration:
        changed = self.changed_integrations.get(identifier)
        is_standby = changed.deliver_standby_events if changed else None
        if is_standby is None:
            is_standby = kind == "custom" and self.switches.deliver_standby_events
        usual_next = self.default_id if identifier == WORKSPACE_ID else WORKSPACE_ID
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
        return conversation.active == WORKSPACE_ID

    # -- Support ------------------------------------------------------------------------------

    def support_user_id(self, name: str) -> int:
        """Return the id of an agent, the same one every time."""
        return self.support_user(name, name=name).user_id

    def support_user(self, key: str, **about: Any) -> Person:
        """Return the Support user kept under a key, made where there is none."""
        known = next((one for one in self.people.values() if one.key == key), None)
        identifier = FIRST_SUPPORT_USER_ID + len(self.people)
        return known or self.people.add(Person(user_id=identifier, key=key, **about))

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

    def truncated(self, conversation: Conversation) -> dict[str, Any]:
        """Return a conversation as webhooks show it."""
        answer: dict[str, Any] = {"id": conversation.conversation_id, "type": conversation.type}
        if conversation.metadata:
            answer["metadata"] = conversation.metadata
        for name in ("active", "pending"):
            held = self.switchboard_integration(getattr(conversation, name))
            if held is not None and self.switches.is_switchboard_enabled:
                answer[f"{name}SwitchboardIntegration"] = held.truncated()
        return answer

    def tell(self, conversation: Conversation, kind: str, payload: dict[str, Any]) -> None:
        """Publish an event of a conversation to whoever hears it."""
        shown = {"conversation": self.truncated(conversation), **payload}
        self.events.publish(kind, shown, conversation=conversation)

    def add_message(
        self, conversation: Conversation, author: dict[str, Any], content: Any, **more: Any
    ) -> Message:
        """Append a message and echo it to every integration that hears the conversation."""
        message = Message(
            received_ms=self.now_ms(),
            order=conversation.next_order(),
            author=author,
            content=dict(content),
            **more,
        )
        conversation.messages.append(message)
        conversation.updated_ms = message.received_ms
        shown = {**message.shown(), "author": self._with_user(author)}
        if not self.switches.webhook_messages_have_activity:
            shown.pop("activity", None)
        told = {"message": shown, "recentNotifications": []}
        self.tell(conversation, "conversation:message", told)
        return message

    def tell_activity(
        self,
        conversation: Conversation,
        activity_type: str,
        author: dict[str, Any],
        source: dict[str, Any],
    ) -> None:
        """Publish typing or reading."""
        activity = {"type": activity_type, "author": self._with_user(author), "source": source}
        is_read = activity_type == "conversation:read"
        kind = activity_type if is_read else "conversation:typing"
        self.tell(conversation, kind, {"activity": activity})

    def _with_user(self, author: dict[str, Any]) -> dict[str, Any]:
        """Return an author as webhooks show it: a user comes with the user."""
        user = self.users.get(author.get("userId", ""))
        return author if user is None else {**author, "user": user}

    def note(self, conversation: Conversation, text: str) -> None:
        """Add a line to what the desk shows of the conversation."""
        at = time_text(self.now_ms())
        conversation.timeline.append({"order": conversation.next_order(), "at": at, "text": text})
