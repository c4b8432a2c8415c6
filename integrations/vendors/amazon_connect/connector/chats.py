"""One chat at AWS: which instance it goes to, the calls about it, and its place in a queue."""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from integrations.contract.connector import VendorSession
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidRoutingError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
)
from integrations.contract.events import QueuePositionChanged
from integrations.kit.hints import hint_text
from integrations.kit.json_values import as_text
from integrations.kit.recent import Recent
from integrations.vendors.amazon_connect.client import AmazonConnectClient
from integrations.vendors.amazon_connect.client.aws import Endpoints
from integrations.vendors.amazon_connect.client.participant import (
    Bearer,
    ParticipantClient,
    ParticipantConnection,
)
from integrations.vendors.amazon_connect.manifest import REGION_PATTERN, ROLE_PATTERN, UUID_PATTERN
from integrations.vendors.amazon_connect.mapping.messages import Reply

Answer = TypeVar("Answer")
_EARLY = timedelta(minutes=5)
_OVER_AT = "DisconnectTimestamp"
ROLE_NOT_ALLOWED = "role_not_allowed"
_TARGET_HINTS = ("instance_id", "contact_flow_id", "aws_region", "role_arn")
_ARN = re.compile(
    r"arn:aws(?:-cn|-us-gov)?:connect:(?P<region>[a-z0-9-]+):\d{12}:instance/"
    r"(?P<instance>[^/]+)(?:/(?P<kind>contact-flow|queue)/(?P<resource>[^/:]+))?(?::.*)?"
)
POSITION, WAIT = "POSITION_IN_QUEUE", "ESTIMATED_WAIT_TIME"
CONTACT_METRICS = (POSITION, WAIT)
_GROWTH_WHEN_LIMITED = 4
MAX_CHATS = 5000
MAX_SENT = 20
Ask = Callable[[VendorSession], Awaitable[Mapping[str, float]]]


# -- Where a handoff goes ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a handoff goes; kept with the vendor session, for the calls that come later."""

    instance_id: str
    contact_flow_id: str
    region: str
    role_arn: str

    def as_state(self) -> dict[str, object]:
        """Return it as a vendor session keeps it."""
        return dict(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectArn:
    """The parts of an ARN of Amazon Connect's."""

    region: str
    instance_id: str
    resource_id: str


def read_arn(text: str) -> ConnectArn | None:
    """Read an ARN of an instance or of something in it; None for anything else."""
    found = _ARN.fullmatch(text.strip())
    if found is None:
        return None
    return ConnectArn(
        region=found["region"],
        instance_id=found["instance"],
        resource_id=found["resource"] or "",
    )


def target_for(credentials: Mapping[str, str], routing: Mapping[str, object]) -> Target:
    """Merge what is saved with what the handoff names; raises InvalidRoutingError."""
    named = {name: hint_text(routing.get(name)).strip() for name in _TARGET_HINTS}
    instance, flow = read_arn(named["instance_id"]), read_arn(named["contact_flow_id"])
    ids = {
        "instance_id": instance.instance_id if instance else named["instance_id"],
        "contact_flow_id": flow.resource_id if flow else named["contact_flow_id"],
        "aws_region": named["aws_region"] or next((a.region for a in (instance, flow) if a), ""),
    }
    chosen = {name: value or credentials.get(name, "") for name, value in ids.items()}
    target = Target(
        instance_id=chosen["instance_id"],
        contact_flow_id=chosen["contact_flow_id"],
        region=chosen["aws_region"],
        role_arn=_allowed(credentials, named["role_arn"]),
    )
    _require(target.instance_id, UUID_PATTERN, "instance_id")
    _require(target.contact_flow_id, UUID_PATTERN, "contact_flow_id")
    _require(target.region, REGION_PATTERN, "aws_region")
    return target


def target_of(state: Mapping[str, object], credentials: Mapping[str, str]) -> Target:
    """Return the target that a vendor session was started with."""
    kept = state.get("target")
    values = kept if isinstance(kept, Mapping) else {}
    saved = {
        "instance_id": credentials.get("instance_id", ""),
        "contact_flow_id": credentials.get("contact_flow_id", ""),
        "region": credentials.get("aws_region", ""),
        "role_arn": credentials.get("role_arn", ""),
    }
    return Target(**{name: str(values.get(name, default)) for name, default in saved.items()})


def allowed_roles(credentials: Mapping[str, str]) -> list[str]:
    """Return the roles that a handoff may name: the saved one and the further ones."""
    further = re.split(r"[\s,]+", credentials.get("allowed_role_arns", ""))
    return [role for role in (credentials.get("role_arn", ""), *further) if role]


def _allowed(credentials: Mapping[str, str], named: str) -> str:
    if not named:
        return credentials.get("role_arn", "")
    if named not in allowed_roles(credentials) or not re.fullmatch(ROLE_PATTERN, named):
        raise InvalidRoutingError(
            "The handoff names a role that the integration does not allow",
            vendor_code=ROLE_NOT_ALLOWED,
            field="role_arn",
        )
    return named


def _require(value: str, pattern: str, field: str) -> None:
    if not re.fullmatch(pattern, value):
        raise InvalidRoutingError(f"{field} is missing or malformed", field=field)


# -- The calls about one chat --------------------------------------------------------------


@dataclass(slots=True)
class ChatMemory:
    """What this process keeps in mind of one chat; losing it costs a few requests."""

    connection: ParticipantConnection | None = None
    # Which message of ours became which item: receipts speak of items.
    sent: Recent[str] = field(default_factory=lambda: Recent(MAX_SENT))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Chats:
    """One connection token for each chat of this process; a new worker trades for its own.

    The participant's token, from which they come, is kept with the vendor session.
    """

    def __init__(
        self,
        client: ParticipantClient,
        endpoints: Endpoints,
        credentials: Mapping[str, str],
        account: Callable[[Target], AmazonConnectClient],
    ) -> None:
        """Share the connector's clients; `account` gives the one that calls with our own keys."""
        self.client = client
        self._endpoints = endpoints
        self._credentials = credentials
        self._account = account
        self._memories: Recent[ChatMemory] = Recent(MAX_CHATS)

    def memory(self, session: VendorSession) -> ChatMemory:
        """Return what is kept in mind of a chat."""
        return self._memories.of(session.vendor_conversation_id, ChatMemory)

    def forget(self, session: VendorSession) -> None:
        """Drop what is known of a chat that is over."""
        self._memories.discard(session.vendor_conversation_id)

    # -- With the chat's token ----------------------------------------------------------------

    async def connect(self, session: VendorSession) -> ParticipantConnection:
        """Ask for a new connection; raises MissingPermissionError when that is refused."""
        region = target_of(session.state, self._credentials).region
        participant = Bearer(
            base_url=self._endpoints.participant(region),
            token=as_text(session.state.get("participant_token")),
        )
        connection = await self.client.create_participant_connection(participant)
        self.memory(session).connection = connection
        return connection

    async def as_customer(
        self, session: VendorSession, call: Callable[[Bearer], Awaitable[Answer]]
    ) -> Answer:
        """Make a call with the token; refused, the chat is over only if AWS says so elsewhere."""
        try:
            return await self.using_token(session, call)
        except MissingPermissionError as error:
            if await self._is_known_to_be_over(session):
                raise ConversationGoneError(error.message, status=error.status) from error
            raise CannotConnectError(error.message, status=error.status) from error

    async def using_token(
        self, session: VendorSession, call: Callable[[Bearer], Awaitable[Answer]]
    ) -> Answer:
        """Make a call with the token, and once more with a new one if it was refused.

        Raises MissingPermissionError if that is refused too: the chat may be over, or not.
        """
        bearer = await self._bearer(session, None)
        try:
            return await call(bearer)
        except MissingPermissionError:
            renewed = await self._bearer(session, bearer)
        return await call(renewed)

    async def tell_opening(self, session: VendorSession) -> None:
        """Say what was said before, as the end user; a repeat is not shown again."""
        reply = Reply(content=as_text(session.state.get("opening")))
        token = f"{session.vendor_conversation_id}-opening"
        send = partial(self.client.send_message, reply=reply, client_token=token)
        await self.as_customer(session, send)

    def kept(self, session: VendorSession) -> Bearer | None:
        """Return the token we have, without asking for one."""
        connection = self.memory(session).connection
        return connection.bearer if connection else None

    # -- With the account's keys, whatever the chat's tokens are worth ------------------------

    async def contact_metrics(
        self, session: VendorSession, names: tuple[str, ...]
    ) -> Mapping[str, float]:
        """Return the metrics of a chat that waits in a queue; any other has none."""
        target = target_of(session.state, self._credentials)
        client, contact_id = self._account(target), _contact_of(session)
        return await client.get_contact_metrics(target.instance_id, contact_id, names)

    async def is_over(self, session: VendorSession) -> bool:
        """Say whether no contact of the chat is open; raises where AWS does not say."""
        return not await self._open_contact(session)

    async def stop(self, session: VendorSession) -> None:
        """End the chat in whichever contact it is; one that is over already is fine.

        Raises when AWS neither ends it nor says that it is over.
        """
        try:
            contact_id = await self._open_contact(session)
        except MissingPermissionError:
            contact_id = _contact_of(session)  # the role may not look, but perhaps stop
        if contact_id:
            target = target_of(session.state, self._credentials)
            client = self._account(target)
            await client.stop_contact(instance_id=target.instance_id, contact_id=contact_id)

    async def _open_contact(self, session: VendorSession) -> str:
        """Return the open contact's id, which a transfer may have changed unseen; else nothing."""
        target = target_of(session.state, self._credentials)
        client, contact_id = self._account(target), _contact_of(session)
        try:
            if not (await client.describe_contact(target.instance_id, contact_id)).get(_OVER_AT):
                return contact_id
            chain = await client.list_associated_contacts(target.instance_id, contact_id)
        except ConversationGoneError:
            return ""
        is_open = [as_text(one.get("ContactId")) for one in chain if not one.get(_OVER_AT)]
        return is_open[-1] if is_open else ""

    async def _is_known_to_be_over(self, session: VendorSession) -> bool:
        try:
            return await self.is_over(session)
        except ConnectorError as error:
            if error.retryable:
                raise
            return False  # the account's keys may not look

    async def _bearer(self, session: VendorSession, refused: Bearer | None) -> Bearer:
        memory = self.memory(session)
        async with memory.lock:
            kept = memory.connection
            if kept is None or kept.bearer == refused or _expires_soon(kept):
                kept = await self.connect(session)
            return kept.bearer


def _contact_of(session: VendorSession) -> str:
    """Return the contact in which we saw the chat last."""
    return as_text(session.state.get("contact_id")) or session.vendor_conversation_id


def _expires_soon(connection: ParticipantConnection) -> bool:
    # An expiry that could not be read is now, which would mean a new token for every call.
    left = connection.expires_at - datetime.now(UTC)
    return timedelta(0) < left < _EARLY


# -- Its place in a queue ------------------------------------------------------------------


class QueueWatch:
    """Asks where one chat stands until a live agent comes; `changed` is done when there is news."""

    def __init__(
        self, ask: Ask, may_ask: Callable[[], bool], *, first: float, every: float
    ) -> None:
        """Take how to ask, and the seconds before the first question and between the others."""
        self.changed = _future()
        self._ask = ask
        self._may_ask = may_ask
        self._first = first
        self._every = every
        self._shown: tuple[int | None, int | None] = (None, None)
        self._news: list[QueuePositionChanged] = []

    async def run(self, session: Callable[[], VendorSession]) -> None:
        """Watch until somebody has joined, or for as long as AWS lets us."""
        delay = self._first
        while not session().state.get("had_agent"):
            # Not all at the same moment, or the same chats would win the turn each time.
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311
            delay = self._every
            if not self._may_ask():
                continue
            try:
                self._note(session(), await self._ask(session()))
            except RateLimitedError as error:
                delay = error.retry_after or self._every * _GROWTH_WHEN_LIMITED
            except (CannotConnectError, RejectedError):
                continue  # not in a queue yet or any more, or AWS is not well
            except ConnectorError:
                return  # the role may not ask

    def take(self) -> list[QueuePositionChanged]:
        """Return the news since the last time."""
        news, self._news = self._news, []
        if news:
            self.changed = _future()
        return news

    def _note(self, session: VendorSession, metrics: Mapping[str, float]) -> None:
        known = _whole(metrics.get(POSITION), least=1), _whole(metrics.get(WAIT), least=0)
        if known in (self._shown, (None, None)):
            return
        self._shown = known
        now, chat = datetime.now(UTC), session.vendor_conversation_id
        change = QueuePositionChanged(
            vendor_event_id=f"{chat}:queue:{now.isoformat()}",
            vendor_conversation_id=chat,
            occurred_at=now,
            position=known[0],
            estimated_wait_seconds=known[1],
        )
        self._news.append(change)
        if not self.changed.done():
            self.changed.set_result(None)


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


def _whole(value: float | None, *, least: int) -> int | None:
    if value is None or not math.isfinite(value) or round(value) < least:
        return None
    return round(value)
