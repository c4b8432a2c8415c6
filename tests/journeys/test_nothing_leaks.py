"""Secrets and what people said stay where they belong: marked ones are looked for everywhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.journeys import leaks
from tests.journeys.leaks import RedisTap
from tests.journeys.stack import Stack
from tests.load.desk import AsyncDesk
from tests.load.widget import WidgetClient
from tests.postgres import database_drop, database_migrated

PHRASE = "I want to talk to a human"
FROM_USER = "words-of-the-end-user"
FROM_AGENT = "words-of-the-live-agent"


@dataclass
class Walk:
    """One conversation with everything that can go wrong in it, and what it left behind."""

    secrets: dict[str, str] = field(repr=False)
    logs: dict[str, str] = field(default_factory=dict, repr=False)
    redis_held: str = field(default="", repr=False)
    redis_commands: str = field(default="", repr=False)
    redis_published: str = field(default="", repr=False)
    tables: dict[str, str] = field(default_factory=dict, repr=False)
    answers: list[str] = field(default_factory=list, repr=False)
    arrived: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """What people said, and a vendor's answer could repeat."""
        return [FROM_USER, FROM_AGENT]


@pytest.fixture(scope="module")
def walk(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The product, walked through once; what it wrote is read when it has stopped."""
    name = "baton_leaks"
    stack = Stack(
        tmp_path_factory.mktemp("leaks"), database_url=database_migrated(postgres_url, name)
    )
    try:
        stack.start_all()
        yield _walked(stack)
    finally:
        stack.stop_all()
        database_drop(postgres_url, name)


def _walked(stack: Stack) -> Walk:
    token, planted = stack.run_module("tests.journeys.plant", stack.simulator_url).split("\n", 1)
    found = Walk(secrets={"channel_token": token, **json.loads(planted)})
    public = {name: found.secrets.pop(name) for name in ("webhook_url", "project", "account")}
    tap = RedisTap(stack.redis.url)
    tap.start()
    try:
        # A thread of its own: the browser of other journeys keeps a loop in this one.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, _talk(stack, found, public)).result()
    finally:
        tap.stop()
    found.redis_commands = "\n".join(tap.commands)
    found.redis_published = "\n".join(tap.published)
    found.tables = leaks.rows(stack.database_url)
    found.logs = leaks.log_files(stack)
    return found


async def _talk(stack: Stack, found: Walk, public: dict[str, str]) -> None:
    host = urlsplit(stack.url).netloc
    async with aiohttp.ClientSession() as http:
        desk = AsyncDesk(http, stack.simulator_url)
        client = WidgetClient(
            http=http,
            url=stack.url,
            key=found.secrets["channel_token"],
            host=host,
            end_user={"external_id": "ines-4411"},
        )
        await client.open()
        found.secrets["access_token"] = client._token
        await client.send(f"{FROM_USER} before")
        await client.until(lambda: client.types.count("POLY_AGENT_MESSAGE") >= 2)
        await client.send(PHRASE)
        conversation = await desk.find(FROM_USER)
        await desk.does(conversation, "accept", agent_name="Noor Halvorsen")
        await client.until(lambda: "LIVE_AGENT_JOINED" in client.types)
        await _say(client, desk, conversation, "plain")
        await desk.fault("fail_next", status=503, count=2, path_prefix="/iamessage")
        await _say(client, desk, conversation, "through failures")
        await desk.fault("expire_tokens")
        await desk.fault("drop_streams")
        await _say(client, desk, conversation, "through a dropped stream")
        await _misuse(stack, found, http, client, public)
        await client.send(f"{FROM_USER} while a worker changes")
        found.redis_held = leaks.redis_keys(stack.redis.url)
        await asyncio.to_thread(stack.kill, "relay1")
        await asyncio.to_thread(stack.start, "relay1")
        await _say(client, desk, conversation, "after a worker was killed")
        found.arrived = (await desk.said_by_end_user())[conversation]
        await client.close()


async def _say(client: WidgetClient, desk: AsyncDesk, conversation: str, what: str) -> None:
    """Let both say a marked line, and wait until both have it."""
    await client.send(f"{FROM_USER} {what}")
    await desk.does(conversation, "say", text=f"{FROM_AGENT} {what}")
    wanted = f"{FROM_AGENT} {what}"
    await client.until(lambda: wanted in [message.text for message in client.received])
    async with asyncio.timeout(30):
        while f"{FROM_USER} {what}" not in (await desk.said_by_end_user())[conversation]:
            await asyncio.sleep(0.1)


async def _misuse(
    stack: Stack,
    found: Walk,
    http: aiohttp.ClientSession,
    client: WidgetClient,
    public: dict[str, str],
) -> None:
    """Put secrets and words where they do not belong; keep what is answered."""
    secrets, session = found.secrets, client._session_id
    query = {"session_id": session, "access_token": secrets["access_token"], "cursor": "0"}
    async with http.ws_connect(f"{stack.url}/ws", params=query) as socket:
        await socket.send_str(f"{FROM_USER} is no JSON")
        await socket.send_json({"type": f"EVENT_TYPE_{FROM_USER}"[:40], "payload": FROM_USER})
        found.answers += [(await socket.receive()).data for _ in range(3)][1:]
    webhook = urlsplit(public["webhook_url"]).path
    handoff_api = f"/v1/{public['account']}/{public['project']}/handoff_state"
    headers = {"x-api-key": secrets["shared_secret"]}
    calls = [
        ("GET", f"/no/such/page?access_token={secrets['access_token']}", {}, None),
        ("GET", f"/ws?access_token={secrets['access_token']}", {}, None),
        ("POST", webhook, headers, f'{{"broken": "{FROM_AGENT}"'),
        ("POST", webhook, {"x-api-key": "wrong"}, FROM_AGENT),
        ("GET", f"{handoff_api}?id={session}", {"x-api-key": secrets["api_key"]}, None),
        ("GET", f"{handoff_api}?id={session}", {"x-api-key": secrets["api_key"] + "x"}, None),
        ("POST", "/api/v1/sessions", {"authorization": f"Bearer {secrets['api_key']}"}, FROM_USER),
        ("POST", "/accounts/login/", {}, f"password={secrets['key_secret']}"),
    ]
    for method, path, sent, body in calls:
        async with http.request(method, stack.url + path, headers=sent, data=body) as answer:
            found.answers.append(f"{answer.status} {answer.headers} {await answer.text()}")


def _found(marks: dict[str, str] | list[str], text: str) -> list[str]:
    """Return the names of the marks in a text, never the marks."""
    pairs = marks.items() if isinstance(marks, dict) else zip(marks, marks, strict=True)
    return [name for name, mark in pairs if mark in text]


def _ours(walk: Walk, name: str) -> list[str]:
    return [line for line in walk.logs[name].splitlines() if line.strip()]


def test_the_marked_words_did_travel_and_would_be_found(walk: Walk) -> None:
    said = walk.tables["conversations_event"]

    assert any(FROM_USER in line for line in walk.arrived)
    assert _found(walk.texts, said) == walk.texts
    assert "handoffs.tasks.open_handoff" in walk.redis_commands
    assert "HOF-" in walk.redis_commands, "task arguments are read"
    assert FROM_AGENT in walk.redis_published
    assert '"correlation_id"' in walk.logs["web"]


def test_no_log_line_holds_a_secret_or_what_people_said(walk: Walk) -> None:
    assert _found(walk.secrets, " ".join(walk.logs.values())) == []
    assert _found(walk.texts, " ".join(walk.logs.values())) == []


def test_redis_keeps_no_secret_and_nothing_that_people_said(walk: Walk) -> None:
    for place in (walk.redis_held, walk.redis_commands):
        assert _found(walk.secrets, place) == []
        assert _found(walk.texts, place) == []


def test_no_secret_travels_between_processes(walk: Walk) -> None:
    assert _found(walk.secrets, walk.redis_published) == []


def test_no_table_holds_a_secret_in_clear(walk: Walk) -> None:
    holding = {name: _found(walk.secrets, text) for name, text in walk.tables.items()}

    assert {name: marks for name, marks in holding.items() if marks} == {}


def test_what_people_said_stands_in_the_journal_and_its_search_alone(walk: Walk) -> None:
    holding = {name for name, text in walk.tables.items() if _found(walk.texts, text)}

    assert {leaks.JOURNAL} <= holding <= leaks.SPOKEN
    for name in ("integrations_vendorcall", "integrations_auditentry"):
        assert walk.tables[name], f"{name} has rows to look through"


def test_no_answer_repeats_a_secret_or_what_people_said(walk: Walk) -> None:
    answers = "\n".join(walk.answers)

    assert _found(walk.secrets, answers) == []
    assert FROM_AGENT not in answers


def test_every_log_line_of_ours_is_one_json_object(walk: Walk) -> None:
    lines = [
        line for name in ("web", "relay1", "relay2", "worker", "beat") for line in _ours(walk, name)
    ]

    assert [line for line in lines if not line.startswith('{"at": ')] == []
    assert all(json.loads(line)["level"] for line in lines)


def test_lines_of_one_handoff_are_joined_by_its_id_across_processes(walk: Walk) -> None:
    lines = [json.loads(line) for name in ("relay1", "relay2") for line in _ours(walk, name)]
    ids = {line["correlation_id"] for line in lines if "queued" in line["message"]}

    assert len(ids) == 1
    assert ids.pop() in walk.redis_commands, "the task carried it from the conversation's socket"
