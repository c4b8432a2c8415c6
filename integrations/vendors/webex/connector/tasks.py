"""Where a task stands: by Webex's own list, in a session, and which of our messages it may lack."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import VendorSession
from integrations.kit.json_values import Json, as_id, as_moment, as_object, as_text, iso_moment
from integrations.kit.recent import Recent
from integrations.vendors.webex.client import PAGE_SIZE, WebexClient
from integrations.vendors.webex.mapping.notices import milliseconds

# Which clock Webex stamps a task with is its own affair.
_BEFORE, _AFTER = timedelta(minutes=5), timedelta(minutes=30)
_OVER = frozenset({"abandoned", "completed"})
_ECHOES_KEPT = 50
# Conversations that have been silent look at one list together.
_SHARED_SECONDS = 20.0
_MAX_TASKS, _MAX_PENDING = 5000, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTask:
    """One task as the list has it."""

    task_id: str
    origin: str
    status: str
    owner_id: str
    owner_name: str = field(repr=False)
    changed_at: datetime

    @property
    def is_over(self) -> bool:
        """Say whether nobody can write into it any more."""
        return self.status in _OVER


class TaskList:
    """Webex's list of tasks, which can be asked for a time alone."""

    def __init__(self, client: WebexClient) -> None:
        """Know nothing yet."""
        self._client = client
        self._rows: list[Json] = []
        self._since = datetime.now(UTC)
        self._read_at = -_SHARED_SECONDS

    async def of(self, session: VendorSession) -> list[ListedTask]:
        """Return the tasks of a session's handoff, oldest first."""
        opened_at = _opened_at(session)
        rows = await self._client.list_tasks(since=opened_at - _BEFORE, until=opened_at + _AFTER)
        return _of_session(session, rows)

    async def seen_lately(self, session: VendorSession) -> list[ListedTask]:
        """Return the same as of a moment ago: one look serves all that were opened since."""
        since, now = _opened_at(session) - _BEFORE, time.monotonic()
        if since < self._since or now - self._read_at >= _SHARED_SECONDS:
            self._rows = await self._client.list_tasks(since=since, until=datetime.now(UTC))
            self._since, self._read_at = since, now
        if len(self._rows) >= int(PAGE_SIZE):
            return await self.of(session)  # the newest do not stand in it
        return _of_session(session, self._rows)


@dataclass(slots=True, kw_only=True)
class Sent:
    """A message of ours that Webex has taken, or a later part of one."""

    message_id: str
    alias: str
    body: Mapping[str, object] = field(repr=False)
    is_repeat: bool = False


class Pending:
    """Our messages that Webex has taken and not yet repeated, task by task, oldest first.

    Lost with the worker: a failure that comes then cannot be told at its message.
    """

    def __init__(self) -> None:
        """Know of none."""
        self._tasks: Recent[list[Sent]] = Recent(_MAX_TASKS)

    def add(self, task_id: str, sent: Sent) -> None:
        """Note a message that Webex has taken."""
        waiting = self._tasks.of(task_id, list)
        if all(one.alias != sent.alias for one in waiting):
            waiting.append(sent)
        del waiting[:-_MAX_PENDING]

    def settle(self, task_id: str, alias: str) -> None:
        """Note that a message has arrived."""
        waiting = self._tasks.of(task_id, list)
        waiting[:] = [one for one in waiting if one.alias != alias]

    def oldest(self, task_id: str) -> Sent | None:
        """Take the message that has waited longest; None for none."""
        waiting = self._tasks.of(task_id, list)
        return waiting.pop(0) if waiting else None

    def forget(self, task_id: str) -> None:
        """Drop a task that is over."""
        self._tasks.discard(task_id)


def new_session(handoff_id: str, task_id: str, opened_at: datetime) -> VendorSession:
    """Return the session of a task, or of one that may have been opened."""
    state = {"handoff_id": handoff_id, "opened_at": iso_moment(opened_at)}
    return VendorSession(vendor_conversation_id=task_id, state=state, keys=(handoff_id,))


def task_of(session: VendorSession) -> str:
    """Return the task that a session writes into."""
    return as_text(session.state.get("task_id")) or session.vendor_conversation_id


def adopting(session: VendorSession, task_id: str) -> VendorSession:
    """Return the session with the task that was open already."""
    keys = tuple(dict.fromkeys((*session.keys, task_id)))
    return replace(_with(session, {"task_id": task_id}), keys=keys)


def echoed_in(session: VendorSession) -> tuple[str, ...]:
    """Return the newest of our messages that Webex has repeated."""
    found = session.state.get("echoed")
    return tuple(map(as_text, found)) if isinstance(found, list) else ()


def with_echo(session: VendorSession, alias: str) -> VendorSession:
    """Return the session that knows of one more of our messages."""
    known = [one for one in echoed_in(session) if one != alias]
    return _with(session, {"echoed": [*known, alias][-_ECHOES_KEPT:]})


def ended_at_in(session: VendorSession) -> datetime | None:
    """Return when Webex said that it was over."""
    return as_moment(session.state.get("ended_at"))


def with_end(session: VendorSession, at: datetime) -> VendorSession:
    """Return the session that knows of the end."""
    return _with(session, {"ended_at": iso_moment(at)})


def agents_in(session: VendorSession) -> dict[str, str]:
    """Return the names of the live agents who have joined, by id."""
    agents = as_object(session.state.get("agents"))
    return {agent_id: as_text(name) for agent_id, name in agents.items()}


def owner_in(session: VendorSession) -> str:
    """Return the id of the live agent who has the task."""
    return as_text(session.state.get("owner"))


def with_agents(session: VendorSession, agents: Mapping[str, str], owner: str) -> VendorSession:
    """Return the session with who is in it now."""
    return _with(session, {"agents": dict(agents), "owner": owner})


def _with(session: VendorSession, values: Mapping[str, object]) -> VendorSession:
    return replace(session, state={**session.state, **values})


def _opened_at(session: VendorSession) -> datetime:
    return as_moment(session.state.get("opened_at")) or datetime.now(UTC)


def _of_session(session: VendorSession, rows: list[Json]) -> list[ListedTask]:
    origin, task_id = as_text(session.state.get("handoff_id")), task_of(session)
    found = map(_listed, rows)
    return [one for one in found if one.task_id == task_id or (origin and one.origin == origin)]


def _listed(row: Json) -> ListedTask:
    attributes = as_object(row.get("attributes"))
    owner = as_object(attributes.get("owner"))
    changed = milliseconds(attributes.get("lastUpdatedTime"))
    return ListedTask(
        task_id=as_id(row.get("id")),
        origin=as_text(attributes.get("origin")),
        status=as_text(attributes.get("status")).lower(),
        owner_id=as_id(owner.get("id")),
        owner_name=as_text(owner.get("name")),
        changed_at=datetime.fromtimestamp(changed / 1000, UTC) if changed else datetime.now(UTC),
    )
