"""Amazon Connect's own API, signed: one method for each operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integrations.contract.errors import (
    ConversationGoneError,
    InvalidAuthError,
    UnexpectedResponseError,
)
from integrations.http.client import HttpClient
from integrations.http.errors import NO_STATUSES, StatusTable, VendorResponse
from integrations.kit.json_values import Json, as_object, as_objects, as_text, json_text
from integrations.kit.waiting import RateBudget
from integrations.vendors.amazon_connect.client.aws import (
    AwsIdentity,
    AwsKeys,
    SignedRequest,
    budget_kind,
)

_ALREADY_OVER = (404, 410)
_NO_CONTACT: StatusTable = {404: ConversationGoneError, 410: ConversationGoneError}
_MAX_PAGES = 10
_NOT_QUEUED = (404,)
AGENTS, WAITING = "AGENTS_AVAILABLE", "CONTACTS_IN_QUEUE"
QUEUE_METRICS = {AGENTS: "COUNT", WAITING: "COUNT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedChat:
    """What StartChatContact gives."""

    contact_id: str
    participant_id: str
    participant_token: str


class AmazonConnectClient:
    """One region's control plane, called as one role."""

    def __init__(
        self,
        http: HttpClient,
        identity: AwsIdentity,
        budget: RateBudget,
        *,
        region: str,
        role_arn: str,
    ) -> None:
        """Take what every call needs; without a role the entered keys sign."""
        self._http = http
        self._identity = identity
        self._budget = budget
        self._region = region
        self._role_arn = role_arn

    async def start_chat_contact(self, body: Mapping[str, object]) -> StartedChat:
        """Start a chat; the same body with the same ClientToken gives the same chat again."""
        answer = await self._json("StartChatContact", "PUT", "/contact/chat", body)
        started = StartedChat(
            contact_id=as_text(answer.get("ContactId")),
            participant_id=as_text(answer.get("ParticipantId")),
            participant_token=as_text(answer.get("ParticipantToken")),
        )
        if not (started.contact_id and started.participant_id and started.participant_token):
            raise UnexpectedResponseError("StartChatContact: the answer lacks an id or the token")
        return started

    async def stop_contact(self, *, instance_id: str, contact_id: str) -> None:
        """End a contact; one that is over already is fine."""
        body = {"InstanceId": instance_id, "ContactId": contact_id}
        await self._request("StopContact", "POST", "/contact/stop", body, returns=_ALREADY_OVER)

    async def describe_contact(self, instance_id: str, contact_id: str) -> Json:
        """Return a contact; raises ConversationGoneError when AWS does not know it."""
        path = f"/contacts/{quote(instance_id)}/{quote(contact_id)}"
        answer = await self._request("DescribeContact", "GET", path, statuses=_NO_CONTACT)
        return as_object(as_object(answer.json()).get("Contact"))

    async def list_associated_contacts(self, instance_id: str, contact_id: str) -> list[Json]:
        """Return all contacts that a chat has passed through; raises ConversationGoneError."""
        path = f"/contact/associated/{quote(instance_id)}?contactId={quote(contact_id)}"
        found: list[Json] = []
        page = path
        for _ in range(_MAX_PAGES):
            response = await self._request(
                "ListAssociatedContacts", "GET", page, statuses=_NO_CONTACT
            )
            answer = as_object(response.json())
            found += as_objects(answer.get("ContactSummaryList"))
            next_token = as_text(answer.get("NextToken"))
            if not next_token:
                break
            page = f"{path}&nextToken={quote(next_token, safe='')}"
        return found

    async def describe_instance(self, instance_id: str) -> Json:
        """Return the instance."""
        answer = await self._json("DescribeInstance", "GET", f"/instance/{quote(instance_id)}")
        return as_object(answer.get("Instance"))

    async def describe_contact_flow(self, instance_id: str, contact_flow_id: str) -> Json:
        """Return the flow."""
        path = f"/contact-flows/{quote(instance_id)}/{quote(contact_flow_id)}"
        answer = await self._json("DescribeContactFlow", "GET", path)
        return as_object(answer.get("ContactFlow"))

    async def describe_queue(self, instance_id: str, queue_id: str) -> Json:
        """Return the queue."""
        path = f"/queues/{quote(instance_id)}/{quote(queue_id)}"
        return as_object((await self._json("DescribeQueue", "GET", path)).get("Queue"))

    async def get_current_metric_data(
        self, instance_id: str, queue_id: str, metrics: Mapping[str, str]
    ) -> dict[str, float]:
        """Return the metrics asked for, name to unit, of one queue's chats; absent is unknown."""
        body = {
            "Filters": {"Queues": [queue_id], "Channels": ["CHAT"]},
            "CurrentMetrics": [{"Name": name, "Unit": unit} for name, unit in metrics.items()],
        }
        path = f"/metrics/current/{quote(instance_id)}"
        answer = await self._json("GetCurrentMetricData", "POST", path, body)
        found: dict[str, float] = {}
        for result in as_objects(answer.get("MetricResults")):
            for collected in as_objects(result.get("Collections")):
                name = as_text(as_object(collected.get("Metric")).get("Name"))
                value = collected.get("Value")
                if isinstance(value, int | float):
                    found[name] = found.get(name, 0.0) + value
        return found

    async def get_contact_metrics(
        self, instance_id: str, contact_id: str, names: Sequence[str]
    ) -> dict[str, float]:
        """Return the metrics asked for of a contact that waits in a queue; any other has none."""
        body = {
            "InstanceId": instance_id,
            "ContactId": contact_id,
            "Metrics": [{"Name": name} for name in names],
        }
        answer = await self._request(
            "GetContactMetrics", "POST", "/metrics/contact", body, returns=_NOT_QUEUED
        )
        found: dict[str, float] = {}
        for result in as_objects(as_object(answer.json()).get("MetricResults")):
            value = as_object(result.get("Value")).get("Number")
            if isinstance(value, int | float):
                found[as_text(result.get("Name"))] = value
        return found

    async def get_effective_hours_of_operations(
        self, instance_id: str, hours_id: str, *, around: datetime
    ) -> Json:
        """Return the opening hours of these days, with the exceptions from them.

        A queue's own date may be a day off, either way.
        """
        first, last = (around + timedelta(days=days) for days in (-1, 1))
        path = (
            f"/effective-hours-of-operations/{quote(instance_id)}/{quote(hours_id)}"
            f"?fromDate={first:%Y-%m-%d}&toDate={last:%Y-%m-%d}"
        )
        return await self._json("GetEffectiveHoursOfOperations", "GET", path)

    async def _json(
        self, operation: str, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> Json:
        return as_object((await self._request(operation, method, path, body)).json())

    async def _request(
        self,
        operation: str,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        returns: tuple[int, ...] = (),
        statuses: StatusTable = NO_STATUSES,
    ) -> VendorResponse:
        """Make a call with the role's keys, and once more with new ones if they had expired."""
        content = b"" if body is None else json_text(body).encode()
        request = SignedRequest(
            service="connect",
            region=self._region,
            method=method,
            url=self._identity.endpoints.connect(self._region) + path,
            body=content,
            content_type="application/json",
        )

        role = {"region": self._region, "role_arn": self._role_arn}

        async def call(keys: AwsKeys) -> VendorResponse:
            async with self._budget.call(operation, budget_kind(operation)):
                return await request.send(
                    self._http, operation, keys, returns=returns, statuses=statuses
                )

        keys = await self._identity.keys(**role)
        try:
            return await call(keys)
        except InvalidAuthError as error:
            if not self._identity.forget(keys, **role, error=error):
                raise
        return await call(await self._identity.keys(**role))


def is_open(hours: Json, now: datetime) -> bool | None:
    """Say whether a queue is open now; None when the answer cannot be read.

    `hours` is the answer of GetEffectiveHoursOfOperations, in which overrides are applied already.
    """
    try:
        local = now.astimezone(ZoneInfo(as_text(hours.get("TimeZone")))).replace(tzinfo=None)
    except (ZoneInfoNotFoundError, ValueError):
        return None
    days = as_objects(hours.get("EffectiveHoursOfOperationList"))
    if not days:
        return None
    return any(start <= local < end for day in days for start, end in _spans(day))


def _spans(day: Json) -> Iterator[tuple[datetime, datetime]]:
    try:
        on = date.fromisoformat(as_text(day.get("Date")))
    except ValueError:
        return
    for hours in as_objects(day.get("OperationalHours")):
        start, end = _clock(hours.get("Start")), _clock(hours.get("End"))
        if start is not None and end is not None:
            # An end at or before the start is on the next day; midnight is such an end.
            later = on + timedelta(days=1) if end <= start else on
            yield datetime.combine(on, start), datetime.combine(later, end)


def _clock(value: object) -> time | None:
    at = as_object(value)
    hours, minutes = at.get("Hours", 0), at.get("Minutes", 0)
    if not isinstance(hours, int) or not isinstance(minutes, int):
        return None
    return time(hours % 24, minutes) if 0 <= minutes < 60 else None
