"""The simulated account: its records, how they are found, and how they are kept."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from integrations.vendors.zendesk.simulator.state import (
    AGENT_WORKSPACE,
    ANSWER_BOT,
    Conversation,
    StoredFile,
    SwitchboardIntegration,
    Ticket,
    User,
    Webhook,
    conversation_as_dict,
    conversation_from_dict,
)
from integrations.vendors.zendesk.simulator.switches import Switches

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


class Account:
    """Everything one simulated Zendesk account knows."""

    def __init__(
        self, lock: threading.RLock, root_url: Callable[[], str], *, path_prefix: str = ""
    ) -> None:
        self.lock = lock
        self.root_url = root_url
        self.path_prefix = path_prefix
        self.switches = Switches()
        self.are_keys_revoked = False
        self.users: dict[str, User] = {}
        self.conversations: dict[str, Conversation] = {}
        self.created_webhooks: dict[str, Webhook] = {}
        self.tickets: dict[int, Ticket] = {}
        self.files: dict[str, StoredFile] = {}
        # Support users (agents and requesters) by key, what is known of each, and groups by name.
        self.support_users: dict[str, int] = {}
        self.people: dict[int, dict[str, str]] = {}
        self.groups: dict[str, int] = {}
        self.standby_events: dict[str, bool] = {}
        self.next_ids: dict[str, str] = {}
        self.calls_at: list[float] = []
        self._last_ms = 0

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

    def ticket_of(self, conversation: Conversation) -> Ticket | None:
        """Return the conversation's latest ticket, of an ended session too."""
        return self.tickets[conversation.ticket_ids[-1]] if conversation.ticket_ids else None

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
        return [
            SwitchboardIntegration(
                name=name,
                switchboard_integration_id=identifier,
                integration_id=integration_id,
                integration_type=kind,
                deliver_standby_events=self.standby_events.get(
                    identifier, kind == "custom" and self.switches.deliver_standby_events
                ),
                next_id=self.next_ids.get(identifier, self._usual_next(identifier)),
            )
            for name, identifier, integration_id, kind in rows
        ]

    def _usual_next(self, identifier: str) -> str:
        workspace = DEFAULTS["agent_workspace"]
        return self.default_id if identifier == workspace else workspace

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
        return self.support_user(name, name=name, role="agent")

    def support_user(self, key: str, **about: str) -> int:
        """Return the id of the Support user kept under a key, made where there is none."""
        identifier = FIRST_SUPPORT_USER_ID + len(self.support_users)
        identifier = self.support_users.setdefault(key, identifier)
        self.people.setdefault(identifier, about)
        return identifier

    def group_id(self, name: str) -> int:
        """Return the id of a group, the same one every time."""
        self.groups.setdefault(self.switches.queue, FIRST_GROUP_ID)
        return self.groups.setdefault(name, FIRST_GROUP_ID + len(self.groups))

    def group_name(self, identifier: int | None) -> str:
        """Return the name behind a group's id."""
        self.group_id(self.switches.queue)
        found = [name for name, one in self.groups.items() if one == identifier]
        return found[0] if found else "" if identifier is None else str(identifier)

    def file_url(self, stored: StoredFile) -> str:
        """Return the address of a file."""
        name = UNSAFE_LETTERS.sub("_", stored.name) or "file"
        return self.root_url() + FILE_PATH.format(file_id=stored.file_id, name=name)

    # -- Keeping ------------------------------------------------------------------------------

    def forget(self) -> None:
        """Forget all records; the switches stay."""
        records: list[dict[Any, Any]] = [self.users, self.conversations, self.created_webhooks]
        records += [self.tickets, self.files, self.support_users, self.people, self.groups]
        for kept in (*records, self.standby_events, self.next_ids):
            kept.clear()
        self.calls_at.clear()
        self.are_keys_revoked = False

    def as_dict(self) -> dict[str, Any]:
        """Return everything a restart must keep."""
        return {
            "switches": asdict(self.switches),
            "are_keys_revoked": self.are_keys_revoked,
            "users": [asdict(one) for one in self.users.values()],
            "conversations": [conversation_as_dict(one) for one in self.conversations.values()],
            "created_webhooks": [asdict(one) for one in self.created_webhooks.values()],
            "tickets": [asdict(one) for one in self.tickets.values()],
            "files": [asdict(one) for one in self.files.values()],
            "support_users": self.support_users,
            "people": list(self.people.items()),
            "groups": self.groups,
            "standby_events": self.standby_events,
            "next_ids": self.next_ids,
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `as_dict` returned."""
        self.switches = Switches(**kept["switches"])
        self.are_keys_revoked = kept["are_keys_revoked"]
        self.users = {one["user_id"]: User(**one) for one in kept["users"]}
        conversations = [conversation_from_dict(one) for one in kept["conversations"]]
        self.conversations = {one.conversation_id: one for one in conversations}
        webhooks = [Webhook(**one) for one in kept["created_webhooks"]]
        self.created_webhooks = {one.webhook_id: one for one in webhooks}
        self.tickets = {one["ticket_id"]: Ticket(**one) for one in kept["tickets"]}
        self.files = {one["file_id"]: StoredFile(**one) for one in kept["files"]}
        self.support_users = dict(kept["support_users"])
        self.people = {int(identifier): about for identifier, about in kept["people"]}
        self.groups = dict(kept["groups"])
        self.standby_events = dict(kept["standby_events"])
        self.next_ids = dict(kept["next_ids"])
