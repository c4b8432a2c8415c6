"""Build what a test starts from: rows by default, and handoffs through the real services."""

from __future__ import annotations

import uuid
from copy import deepcopy
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.db import transaction

from conversations.journal.frames import EventType, SessionEnd
from conversations.journal.services import (
    Visitor,
    agent_join,
    conversation_end,
    conversation_lock,
    events_append,
    message_event,
    session_create,
)
from conversations.models import (
    Channel,
    Conversation,
    Destination,
    EndUser,
    Event,
    Flow,
    Tool,
    Topic,
)
from conversations.widget.access_token import secret_hash, secret_make, token_issue
from handoffs.lifecycle.locking import Lease, handoff_leased
from handoffs.lifecycle.services import (
    handoff_accepted,
    handoff_connecting,
    handoff_end,
    handoff_fail,
)
from handoffs.models import Handoff, HandoffTransition
from handoffs.payload.reading import payload_read
from handoffs.receiving.events import vendor_event_apply
from handoffs.relay.leases import handoffs_claim, worker_register
from handoffs.starting.start import handoff_start
from handoffs.states import EndReason, State
from integrations.contract import events as vendor_events
from integrations.contract.connector import VendorSession
from integrations.entry.keys import api_key_create
from integrations.models import ApiKey, Environment, Integration, Project, Workspace

ORG_ID = "00D8Y0000012abc"
DEVELOPER_NAME = "Portal_Handoff"
INTEGRATION_KEY = "salesforce_integration"
TRANSFER_TEXT = "No problem, I'll transfer you to one of our agents now."
TRANSFER_SOURCE = (
    "def transfer_to_salesforce(conv):\n"
    f'    return {{"utterance": "{TRANSFER_TEXT}",\n'
    '            "handoff": {"text_chat": {"salesforce_integration": {}}}}\n'
)
AT = datetime(2026, 11, 20, 9, 13, 50, tzinfo=UTC)
_numbers = count(1)


# ---- the project and what reaches it ----


def workspace(**fields: Any) -> Workspace:
    number = next(_numbers)
    return Workspace.objects.create(
        **{"slug": f"birchline-{number}", "name": f"Birchline {number}", **fields}
    )


def project(in_workspace: Workspace | None = None, **fields: Any) -> Project:
    number = next(_numbers)
    return Project.objects.create(
        **{
            "workspace": in_workspace or workspace(),
            "slug": f"support-{number}",
            "name": f"Support {number}",
            "agent_name": "Birch",
            "greeting": "Hello from Birch.",
            **fields,
        }
    )


def channel(in_project: Project | None = None, **fields: Any) -> Channel:
    return Channel.objects.create(
        **{
            "project": in_project or project(),
            "name": "Website",
            "environment": Environment.SANDBOX,
            "allowed_origins": ["shop.example"],
            **fields,
        }
    )


def secret_token(of_channel: Channel) -> str:
    """Give a channel a secret connector token and return it."""
    raw = secret_make()
    of_channel.secret_token_hash = secret_hash(raw)
    of_channel.save(update_fields=["secret_token_hash"])
    return raw


def api_key(in_project: Project, *permissions: str, **fields: Any) -> tuple[ApiKey, str]:
    """Return a key's row and the key itself; permission Handoff unless others are named."""
    wanted = permissions or (ApiKey.Permission.HANDOFF.value,)
    return api_key_create(
        project=in_project, actor=None, name="Desktop", permissions=wanted, **fields
    )


def integration(in_project: Project | None = None, *, url: str = "", **fields: Any) -> Integration:
    """Return a connected Salesforce integration; `url` is a simulator's address."""
    return Integration.objects.create(
        **{
            "project": in_project or project(),
            "environment": Environment.SANDBOX,
            "connector_key": "salesforce_messaging",
            "integration_key": INTEGRATION_KEY,
            "status": Integration.Status.CONNECTED,
            "credentials": {
                "mode": "miaw",
                "org_id": ORG_ID,
                "scrt_url": url or "http://127.0.0.1:9",
                "es_developer_name": DEVELOPER_NAME,
            },
            **fields,
        }
    )


def tool(in_project: Project, source: str = TRANSFER_SOURCE, **fields: Any) -> Tool:
    """Store a tool; its name is the function's."""
    name = source.split("def ", 1)[1].split("(", 1)[0].strip()
    return Tool.objects.create(**{"project": in_project, "name": name, "source": source, **fields})


def topic(in_project: Project, query: str, runs: Tool | None = None, **fields: Any) -> Topic:
    """Store a topic that answers one query, with its content or by running a tool."""
    actions = [{"kind": "run_tool", "target": runs.name, "when": "always"}] if runs else []
    return Topic.objects.create(
        **{
            "project": in_project,
            "name": query[:120],
            "example_queries": [query],
            "actions": actions,
            **fields,
        }
    )


def flow(in_project: Project, name: str, steps: list[dict[str, Any]], **fields: Any) -> Flow:
    """Store a flow that begins with its first step."""
    start = steps[0]["name"] if steps else ""
    row = {"project": in_project, "name": name, "steps": deepcopy(steps), "start_step": start}
    return Flow.objects.create(**{**row, **fields})


def destination(in_project: Project, name: str = "Billing", **fields: Any) -> Destination:
    """Store a destination; the default one where nothing else is said."""
    return Destination.objects.create(
        **{"project": in_project, "name": name, "is_default": True, **fields}
    )


# ---- conversations ----


def conversation(
    on_channel: Channel | None = None, *, state: str = "bot", visitor: Visitor | None = None
) -> Conversation:
    """Return a conversation that reached `state` (created, bot, ended) by the real services."""
    made = session_create(
        channel=on_channel or channel(), token_family=uuid.uuid4(), visitor=visitor or Visitor()
    )
    if state != Conversation.State.CREATED:
        agent_join(made.pk)
    if state == Conversation.State.ENDED:
        with transaction.atomic():
            conversation_end(conversation_lock(made.pk), SessionEnd.NATURAL_END)
    made.refresh_from_db()
    return made


def access_token(of: Conversation, *, is_trusted: bool = False) -> str:
    """Return a token that may open the conversation's sockets."""
    return token_issue(of.channel, family=of.token_family, is_trusted=is_trusted)


def token(of_channel: Channel, *, is_trusted: bool = False) -> str:
    """Return a token that may open sessions of the channel."""
    return token_issue(of_channel, family=uuid.uuid4(), is_trusted=is_trusted)


def said(in_conversation: Conversation, text: str, by: EventType = EventType.USER_MESSAGE) -> Event:
    """Append a message to the journal without anybody answering."""
    with transaction.atomic():
        return events_append(conversation_lock(in_conversation.pk), [message_event(by, text)])[0]


def journal(of: Conversation | Handoff) -> list[str]:
    """Return the types of the journal's lines, in order."""
    pk = of.conversation_id if isinstance(of, Handoff) else of.pk
    lines = Event.objects.filter(conversation_id=pk).order_by("sequence")
    return list(lines.values_list("type", flat=True))


def end_user(in_project: Project, **fields: Any) -> EndUser:
    return EndUser.objects.create(
        **{"project": in_project, "external_id": str(uuid.uuid4()), **fields}
    )


# ---- handoffs ----


def handoff(
    in_conversation: Conversation | None = None,
    *,
    state: State = State.REQUESTED,
    hints: dict[str, Any] | None = None,
    of_integration: Integration | None = None,
    agent_name: str = "Noor Halvorsen",
) -> Handoff:
    """Return a handoff that reached `state` by the real services, so that its journal is whole."""
    made = _requested(in_conversation, hints or {}, of_integration)
    if state is State.REQUESTED:
        return made
    lease = claim(made)
    with handoff_leased(lease) as locked:
        handoff_connecting(locked, lease)
    if state in (State.QUEUED, State.ACTIVE, State.ENDED):
        with handoff_leased(lease) as locked:
            handoff_accepted(locked, vendor_session(), lease)
    if state in (State.ACTIVE, State.ENDED):
        apply(lease, joined(agent_name=agent_name))
    with handoff_leased(lease) as locked:
        if state is State.ENDED:
            handoff_end(locked, EndReason.LIVE_AGENT_ENDED, lease=lease)
        elif state is State.FAILED:
            handoff_fail(locked, "cannot_connect", lease=lease)
    return fresh(made)


def claim(of: Handoff, worker_id: uuid.UUID | None = None) -> Lease:
    """Claim a handoff for a (new) worker and return the lease."""
    [lease] = handoffs_claim(worker_id or worker(), of.pk)
    return lease


def lease_of(of: Handoff) -> Lease:
    """Return the lease that holds at this moment."""
    now = fresh(of)
    assert now.owner_id is not None
    return Lease(handoff_id=now.pk, worker_id=now.owner_id, epoch=now.lease_epoch)


def worker(name: str = "test") -> uuid.UUID:
    """Register a relay worker that is alive now."""
    return worker_register(name)


def fresh(of: Handoff) -> Handoff:
    """Read a handoff again, with all that belongs to it."""
    related = ("conversation__project", "conversation__end_user", "integration")
    return Handoff.objects.select_related(*related).get(pk=of.pk)


def transitions(of: Handoff) -> list[str]:
    """Return the states a handoff went through."""
    rows = HandoffTransition.objects.filter(handoff=of).order_by("id")
    return list(rows.values_list("to_state", flat=True))


def vendor_session(cursor: str = "", **state: Any) -> VendorSession:
    return VendorSession(vendor_conversation_id="vendor-1", cursor=cursor, state=state)


# ---- what a vendor says ----


def apply(lease: Lease, event: vendor_events.VendorEvent, *, cursor: str = "") -> bool:
    """Apply a vendor event under a lease; True once the human part is over."""
    return vendor_event_apply(lease, vendor_session(cursor), event)


def joined(
    agent_id: str = "a1", agent_name: str = "Noor Halvorsen", **fields: Any
) -> vendor_events.LiveAgentJoined:
    return vendor_event(
        vendor_events.LiveAgentJoined, agent_id=agent_id, agent_name=agent_name, **fields
    )


def spoke(text: str, agent_id: str = "a1", **fields: Any) -> vendor_events.LiveAgentMessage:
    return vendor_event(vendor_events.LiveAgentMessage, text=text, agent_id=agent_id, **fields)


def vendor_event(kind: type[Any], **fields: Any) -> Any:
    """Return a vendor event with an id of its own."""
    given = {
        "vendor_event_id": f"ev-{next(_numbers)}",
        "vendor_conversation_id": "vendor-1",
        "occurred_at": AT,
    }
    return kind(**{**given, **fields})


def _requested(
    in_conversation: Conversation | None,
    hints: dict[str, Any],
    of_integration: Integration | None,
) -> Handoff:
    if in_conversation is None:
        on = channel(of_integration.project if of_integration else None)
        in_conversation = conversation(on)
    if not Integration.objects.filter(project=in_conversation.project).exists():
        integration(in_conversation.project)
    returned = {"utterance": "", "handoff": {"text_chat": {INTEGRATION_KEY: hints}}}
    with transaction.atomic():
        locked = conversation_lock(in_conversation.pk)
        made = handoff_start(
            locked, payload_read(returned), tool_call_id=str(uuid.uuid4()), source="test"
        )
    assert made is not None
    return fresh(made)
