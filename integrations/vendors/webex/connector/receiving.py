"""What Webex's calls mean in a handoff: words as they come, people and ends by asking once more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from integrations.contract.connector import VendorSession, WebhookItem
from integrations.contract.errors import ConnectorError
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentMessage,
    MessageEchoed,
    MessageFailed,
    StartRefused,
    TransferStarted,
    UnknownEvent,
)
from integrations.contract.rich_content import NO_RICH_CONTENT, Author, RichContent
from integrations.kit.html_markdown import markdown_of
from integrations.kit.json_values import as_moment
from integrations.kit.missed_calls import MissedCalls
from integrations.kit.recent import Recent
from integrations.vendors.webex.client import WebexClient
from integrations.vendors.webex.connector.people import (
    SOMEBODY,
    People,
    Step,
    base_of,
    joined,
    known_as,
    left,
    taken_by,
)
from integrations.vendors.webex.connector.tasks import (
    ListedTask,
    Pending,
    Sent,
    TaskList,
    adopting,
    agents_in,
    owner_in,
    task_of,
    with_echo,
    with_end,
)
from integrations.vendors.webex.mapping import notices
from integrations.vendors.webex.mapping.messages import again
from integrations.vendors.webex.mapping.notices import Notice, notice_of, refusal_of

FLOW_ID, FLOW_NAME = "flow", "Automatic reply"
ENCRYPTED_FILE, FILE_DROPPED = "encrypted file", "Webex dropped the file"
_MAX_OPENINGS = 500


class Receiving:
    """The connector's ear."""

    def __init__(
        self,
        client: WebexClient,
        pending: Pending,
        tasks: TaskList,
        note: Callable[[str, str], None],
    ) -> None:
        """Share the connector's parts; `note` takes remarks, see MissedCalls."""
        self._client = client
        self._pending = pending
        self._tasks = tasks
        self._people = People(client, note)
        self._missed = MissedCalls(note)
        # What was asked for, until Webex says what came of it.
        self._openings: Recent[Mapping[str, object]] = Recent(_MAX_OPENINGS)

    def asked_for(self, task_id: str, body: Mapping[str, object]) -> None:
        """Keep what a new task was made of, for one more try."""
        self._openings.put(task_id, body)

    async def steps(self, session: VendorSession, item: WebhookItem) -> list[Step]:
        """Return what an item means, each event with the session after it."""
        if not item.body:
            return await self._reconciled(session, await self._tasks.seen_lately(session))
        notice = notice_of(item.body)
        missed = await self._missed.before(
            session.vendor_conversation_id,
            item,
            opened_at=as_moment(session.state.get("opened_at")),
            read=partial(self._listed, session),
        )
        tasks = list(missed or ())
        before = await self._joined_by_list(session, tasks) if notice.kind != notices.ENDED else []
        session = _after(before, session)
        steps = before + await self._read(session, notice)
        if not any(isinstance(event, ConversationEnded) for _, event in steps):
            steps += self._ended_by_list(_after(steps, session), tasks)
        return steps

    # ---- what a call says ----

    async def _read(self, session: VendorSession, notice: Notice) -> list[Step]:
        kind = notice.kind
        if kind == notices.APPENDED:
            is_said = notice.is_outbound
            return await self._said(session, notice) if is_said else self._echoed(session, notice)
        if kind == notices.APPEND_FAILED:
            return await self._not_appended(session, notice)
        if kind == notices.NEW:
            self._openings.discard(notice.task_id)
            return []
        if kind in (notices.CONNECTED, notices.TRANSFERRED):
            return await self._taken(session, notice)
        if kind == notices.PARKED:
            return self._parked(session, notice)
        if kind == notices.ENDED:
            return [self._ended(session, notice.at)]
        if kind == notices.FAILED:
            return await self._failed(session, notice)
        return [] if kind in notices.NOTED else [(session, _unknown(session, notice, kind[:60]))]

    async def _said(self, session: VendorSession, notice: Notice) -> list[Step]:
        """Return a word of the flow's or of a live agent's, who may be seen here first."""
        steps: list[Step] = []
        agent_id, name, by = FLOW_ID, FLOW_NAME, Author.VENDOR_BOT
        if notice.sender == "agent":
            by = Author.LIVE_AGENT
            steps, agent_id, name = await self._speaker(session, notice)
            session = _after(steps, session)
        text, markup = markdown_of(notice.text)
        is_secret = notice.has_encrypted_file
        message = LiveAgentMessage(
            **base_of(session, notice.at, notice.alias or notice.event_id),
            agent_id=agent_id,
            agent_name=name,
            text=text,
            markup=markup,
            rich=RichContent(unknown_kind=ENCRYPTED_FILE) if is_secret else NO_RICH_CONTENT,
            files=notice.files,
            by=by,
            vendor_message_id=notice.alias,
        )
        if not (message.text.strip() or message.files or message.rich):
            return [*steps, (session, _unknown(session, notice, "message without text"))]
        return [*steps, (session, message)]

    async def _speaker(self, session: VendorSession, notice: Notice) -> tuple[list[Step], str, str]:
        """Say who wrote, and let them join where they have not."""
        agents, sender = agents_in(session), notice.sender_id or owner_in(session) or "agent"
        if sender in agents:
            return [], sender, agents[sender]
        name = await self._people.name_of(sender, partial(self._owner_name, session))
        if known := known_as(session, sender, name):
            return [], known, name
        step = joined(session, sender, name, notice.at, f"{notice.event_id}:joined")
        return [step], sender, name

    async def _owner_name(self, session: VendorSession) -> str:
        return next((one.owner_name for one in await self._listed(session)), "")

    def _echoed(self, session: VendorSession, notice: Notice) -> list[Step]:
        """Return that a message of ours has arrived; one without its files has not."""
        alias = notice.alias
        if not alias:
            return []
        self._pending.settle(task_of(session), alias)
        if notice.has_lost_its_files:
            return [(session, _not_arrived(session, notice, alias, FILE_DROPPED))]
        base = base_of(session, notice.at, f"{alias}:echo")
        return [(with_echo(session, alias), MessageEchoed(**base, vendor_message_id=alias))]

    # ---- what Webex did not append ----

    async def _not_appended(self, session: VendorSession, notice: Notice) -> list[Step]:
        """Send the message that has waited longest again, or tell that it failed.

        The call names none.
        """
        task_id = task_of(session)
        sent = self._pending.oldest(task_id)
        tasks = await self._listed(session) if notice.reason == notices.NOT_FOUND else []
        over = self._ended_by_list(session, tasks)
        if sent is not None and not sent.is_repeat and not over:
            # A task that is not over and not found has not come to be yet.
            is_passing = notice.reason in (notices.NOT_FOUND, notices.INTERNAL_ERROR)
            if is_passing and await self._sent_again(task_id, sent):
                return []
        if sent is None:
            name = "append-failed of no known message"
            return [(session, _unknown(session, notice, name)), *over]
        return [(session, _not_arrived(session, notice, sent.message_id, notice.reason)), *over]

    async def _sent_again(self, task_id: str, sent: Sent) -> bool:
        """Send a message again under its own id; say whether Webex has taken it."""
        self._pending.add(task_id, replace(sent, is_repeat=True))
        try:
            await self._client.append_message(task_id, sent.body)
        except ConnectorError:
            self._pending.settle(task_id, sent.alias)
            return False
        return True

    # ---- what becomes of the task ----

    async def _taken(self, session: VendorSession, notice: Notice) -> list[Step]:
        """Ask who has the task now: which fields the call has is not published."""
        tasks = await self._listed(session)
        if any(one.owner_id for one in tasks):
            return await self._joined_by_list(session, tasks, notice)
        if notice.kind == notices.TRANSFERRED:
            return []  # another call says who
        return taken_by(session, "agent", SOMEBODY, notice.at, notice.event_id)

    def _parked(self, session: VendorSession, notice: Notice) -> list[Step]:
        """Wait in a queue: at first that is nothing new, later it is a transfer."""
        if not owner_in(session):
            return []
        steps = left(session, notice.at, notice.event_id)
        session = _after(steps, session)
        base = base_of(session, notice.at, f"{notice.event_id}:transfer")
        return [*steps, (session, TransferStarted(**base))]

    async def _failed(self, session: VendorSession, notice: Notice) -> list[Step]:
        """Go on with the task that is open, or try once more; else the start was for nothing."""
        other = notice.other_task
        is_ours = not notice.origin or notice.origin in session.keys
        if notice.reason == notices.ALREADY_OPEN and other and is_ours:
            session = adopting(session, other)
            return [(session, _unknown(session, notice, notice.reason))]
        body = self._openings.get(notice.task_id)
        if notice.reason == notices.CREATION_FAILED and body is not None:
            session = adopting(session, await self._client.create_task(again(body)))
            self._openings.discard(notice.task_id)
            return [(session, _unknown(session, notice, notice.reason))]
        code, detail = refusal_of(notice)
        base = base_of(session, notice.at, f"{notice.task_id}:failed")
        return [(session, StartRefused(**base, code=code, detail=detail))]

    # ---- what the list says ----

    async def _listed(self, session: VendorSession) -> list[ListedTask]:
        return [one for one in await self._tasks.of(session) if one.task_id == task_of(session)]

    async def _reconciled(self, session: VendorSession, tasks: Sequence[ListedTask]) -> list[Step]:
        steps = await self._joined_by_list(session, tasks)
        return steps + self._ended_by_list(_after(steps, session), tasks)

    async def _joined_by_list(
        self, session: VendorSession, tasks: Sequence[ListedTask], notice: Notice | None = None
    ) -> list[Step]:
        """Let whoever has the task now join; `notice` is the call that made us look."""
        owner = next((one for one in tasks if one.owner_id), None)
        if owner is None or (notice is None and owner.status != "assigned"):
            return []

        async def listed_name() -> str:
            return owner.owner_name

        name = await self._people.name_of(owner.owner_id, listed_name)
        at = notice.at if notice else datetime.now(UTC)
        event_id = notice.event_id if notice else f"{owner.task_id}:{owner.owner_id}"
        return taken_by(session, owner.owner_id, name, at, event_id)

    def _ended_by_list(self, session: VendorSession, tasks: Sequence[ListedTask]) -> list[Step]:
        # Not now: what was taken since it was over has reached nobody.
        return [self._ended(session, one.changed_at) for one in tasks if one.is_over][:1]

    def _ended(self, session: VendorSession, at: datetime) -> Step:
        conversation_id = session.vendor_conversation_id
        self._missed.forget(conversation_id)
        ended = ConversationEnded(**base_of(session, at, f"{conversation_id}:ended"))
        return with_end(session, at), ended


def _after(steps: Sequence[Step], session: VendorSession) -> VendorSession:
    return steps[-1][0] if steps else session


def _not_arrived(
    session: VendorSession, notice: Notice, message_id: str, reason: str
) -> MessageFailed:
    base = base_of(session, notice.at, f"{notice.event_id}:failed")
    return MessageFailed(**base, vendor_message_id=message_id, reason=reason)


def _unknown(session: VendorSession, notice: Notice, name: str) -> UnknownEvent:
    return UnknownEvent(**base_of(session, notice.at, f"{notice.event_id}:unknown"), name=name)
