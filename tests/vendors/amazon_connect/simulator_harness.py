"""An integrator's view of the simulated services: the vendor's own Python clients, a raw socket.

Every answer to boto3 is also held against the output shape of the vendor's service model.
"""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from integrations.vendors.amazon_connect.simulator.state import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from tests.waiting import PATIENCE_SECONDS

REGION = "eu-central-1"
INSTANCE = "7e1c0f5a-93b2-4d0e-8a61-2f0b8f5d9c11"
FLOW = "c2a9e4d0-1b6f-4f38-9a57-60c1ad7be903"
ROLE = "arn:aws:iam::210987654321:role/PortalHandoff"
EV = "application/vnd.amazonaws.connect.event."
INTERACTIVE = "application/vnd.amazonaws.connect.message.interactive"
# Only the vendor's names for things, so that no retry hides an answer.
ONCE = {"total_max_attempts": 1, "mode": "standard"}


@functools.cache
def service_model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"))


class AnswersFitModel:
    """Holds every parsed answer against the output shape of its operation."""

    def __init__(self, service: str) -> None:
        self._model = service_model(service)

    def __call__(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if "Error" in parsed:
            return
        shape = self._model.operation_model(model.name).output_shape
        if shape is None:
            return
        body = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        report = ParamValidator().validate(body, shape)
        assert not report.has_errors(), report.generate_report()


def aws_client(service: str, url: str, **options: Any) -> Any:
    """Return boto3's client, unmodified but for the address it calls."""
    config = options.pop("config", None) or Config(retries=ONCE)
    client = boto3.client(
        service, endpoint_url=url, **{"region_name": REGION, "config": config, **options}
    )
    client.meta.events.register("after-call", AnswersFitModel(service))
    return client


def key_client(service: str, url: str, **options: Any) -> Any:
    keys = {"aws_access_key_id": ACCESS_KEY_ID, "aws_secret_access_key": SECRET_ACCESS_KEY}
    return aws_client(service, url, **{**keys, **options})


def participant_client(url: str) -> Any:
    config = Config(signature_version=UNSIGNED, retries=ONCE)
    return aws_client("connectparticipant", url, config=config)


def refusal(call: Callable[..., Any], **fields: Any) -> tuple[int, str]:
    """Return the status and the name with which a call is refused."""
    try:
        call(**fields)
    except ClientError as error:
        answer = error.response
        return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]
    raise AssertionError("it was not refused")


@dataclass
class Customer:
    """One chat's customer side."""

    connect: Any
    participant: Any
    started: dict[str, Any]
    token: str = ""
    socket_url: str = ""

    @property
    def chat_id(self) -> str:
        return self.started["ContactId"]

    def create_connection(self, **more: Any) -> dict[str, Any]:
        answer = self.participant.create_participant_connection(
            ParticipantToken=self.started["ParticipantToken"],
            **{"Type": ["WEBSOCKET", "CONNECTION_CREDENTIALS"], **more},
        )
        self.token = answer["ConnectionCredentials"]["ConnectionToken"]
        self.socket_url = answer["Websocket"]["Url"]
        return answer

    def say(self, text: str, content_type: str = "text/plain", **more: Any) -> dict[str, Any]:
        return self.participant.send_message(
            ConnectionToken=self.token, ContentType=content_type, Content=text, **more
        )

    def event(self, name: str, **more: Any) -> dict[str, Any]:
        return self.participant.send_event(
            ConnectionToken=self.token, ContentType=EV + name, **more
        )

    def transcript(self, **more: Any) -> list[dict[str, Any]]:
        answer = self.participant.get_transcript(
            ConnectionToken=self.token,
            **{"MaxResults": 100, "SortOrder": "ASCENDING", "StartPosition": {}, **more},
        )
        return answer["Transcript"]

    def texts(self) -> list[str]:
        return [item["Content"] for item in self.transcript() if item["Type"] == "MESSAGE"]

    def names(self) -> list[str]:
        return [name_of(item) for item in self.transcript()]


def name_of(item: dict[str, Any]) -> str:
    """Return an item in short: what happened, or what was said."""
    if item["ContentType"].startswith(EV):
        return item["ContentType"].removeprefix(EV)
    return item.get("Content") or item["Type"]


def start_chat(connect: Any, **more: Any) -> dict[str, Any]:
    fields = {
        "InstanceId": INSTANCE,
        "ContactFlowId": FLOW,
        "ParticipantDetails": {"DisplayName": "Guest 4417"},
    }
    return connect.start_chat_contact(**{**fields, **more})


def new_customer(url: str, **more: Any) -> Customer:
    connect = key_client("connect", url)
    return Customer(connect, participant_client(url), start_chat(connect, **more))


@dataclass
class Socket:
    """An open participant socket; reads when asked to, and remembers the items it read."""

    wire: aiohttp.ClientWebSocketResponse
    items: list[dict[str, Any]] = field(default_factory=list)

    async def ask(self, topic: str, content: Any = None) -> None:
        frame = {"topic": topic} if content is None else {"topic": topic, "content": content}
        await self.wire.send_json(frame)

    async def subscribe(self) -> str:
        await self.ask("aws/subscribe", {"topics": ["aws/chat"]})
        return (await self.until_topic("aws/subscribe"))["content"]["status"]

    async def frame(self) -> dict[str, Any]:
        message = await self.wire.receive(timeout=PATIENCE_SECONDS)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise EOFError(self.wire.close_code)
        frame = json.loads(message.data)
        if frame.get("topic") == "aws/chat":
            assert frame["contentType"] == "application/json"
            self.items.append(json.loads(frame["content"]))
        return frame

    async def until_topic(self, topic: str | None) -> dict[str, Any]:
        while (frame := await self.frame()).get("topic") != topic:
            pass
        return frame

    async def until(self, name: str) -> dict[str, Any]:
        """Read on to the item with this short name."""
        while True:
            await self.until_topic("aws/chat")
            if name_of(self.items[-1]) == name:
                return self.items[-1]

    async def close_code(self) -> int | None:
        """Read until the server closes."""
        try:
            while True:
                await self.frame()
        except EOFError:
            return self.wire.close_code

    @property
    def names(self) -> list[str]:
        return [name_of(item) for item in self.items]


@asynccontextmanager
async def open_socket(http: aiohttp.ClientSession, url: str) -> AsyncIterator[Socket]:
    async with http.ws_connect(url) as wire:
        yield Socket(wire)
