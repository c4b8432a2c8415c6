"""Every frame that cannot be used is answered by its code, and the socket lives on."""

from __future__ import annotations

import json

import pytest

from conversations.event_loop.executor import run_sync
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
ERROR = "SYSTEM_MESSAGE_LEVEL_ERROR"

BAD_FRAMES: dict[str, tuple[str, str]] = {
    "no JSON": ("{nope", "bad_json"),
    "a list": ("[1]", "bad_json"),
    "too deep": ("[" * 60_000, "bad_json"),
    "no type": ("{}", "unknown_event"),
    "a number as type": ('{"type": 5}', "unknown_event"),
    "an unknown type": ('{"type": "EVENT_TYPE_DANCE"}', "unknown_event"),
    "a type without its prefix": (
        '{"type": "USER_MESSAGE", "payload": {"text": "x"}}',
        "unknown_event",
    ),
    "a server's type": ('{"type": "EVENT_TYPE_SESSION_END"}', "unknown_event"),
    "a type half a character long": ('{"type": "\\ud800"}', "bad_json"),
    "payload a list": ('{"type": "EVENT_TYPE_USER_MESSAGE", "payload": []}', "bad_json"),
    "no text": ('{"type": "EVENT_TYPE_USER_MESSAGE"}', "bad_json"),
    "blank text": ('{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": " \\n"}}', "bad_json"),
    "text a number": ('{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": 5}}', "bad_json"),
    "a NUL": ('{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "a\\u0000"}}', "bad_json"),
    "half a character": (
        '{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "a\\udc00"}}',
        "bad_json",
    ),
    "a NUL in metadata": (
        '{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "a"},'
        ' "metadata": {"custom": {"k": "\\u0000"}}}',
        "bad_json",
    ),
    "metadata a text": ('{"type": "EVENT_TYPE_HEARTBEAT", "metadata": "x"}', "bad_json"),
    "metadata of numbers": (
        '{"type": "EVENT_TYPE_HEARTBEAT", "metadata": {"custom": {"n": 1}}}',
        "bad_json",
    ),
    "too much metadata": (
        json.dumps({"type": "EVENT_TYPE_HEARTBEAT", "metadata": {"custom": {"k": "x" * 9000}}}),
        "bad_json",
    ),
    "a client id too long": (
        json.dumps(
            {
                "type": "EVENT_TYPE_USER_MESSAGE",
                "payload": {"text": "x"},
                "metadata": {"custom": {"client_event_id": "c" * 65}},
            }
        ),
        "bad_json",
    ),
    "a local id too long": (
        json.dumps(
            {
                "type": "EVENT_TYPE_USER_MESSAGE",
                "payload": {"text": "x"},
                "metadata": {"custom": {"local_id": "l" * 65}},
            }
        ),
        "bad_json",
    ),
    "a file without an id": (
        '{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"attachments": [{"file_id": "1"}]}}',
        "bad_json",
    ),
    "files that are no list": (
        '{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"attachments": {"file_id": "1"}}}',
        "bad_json",
    ),
    "a file for the AI agent": (
        '{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"attachments": '
        '[{"file_id": "5f0e7b1c-0c4f-4b57-9a55-3b2f8a1f6d10"}]}}',
        "event_not_allowed",
    ),
    "typing nothing": ('{"type": "EVENT_TYPE_USER_TYPING", "payload": {"state": []}}', "bad_json"),
    "a receipt for nothing": ('{"type": "EVENT_TYPE_USER_READ_MESSAGE"}', "bad_json"),
    "text too long": (
        json.dumps({"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "x" * 20_001}}),
        "frame_too_large",
    ),
    "frame too large": (
        '{"type": "EVENT_TYPE_HEARTBEAT", "x": "' + "x" * 131_072 + '"}',
        "frame_too_large",
    ),
}


async def test_every_bad_frame_is_answered_by_its_code_and_the_socket_lives_on(widget):
    client = await widget.open()
    answers = {}

    for name, (text, _) in BAD_FRAMES.items():
        await client.send_text(text)
        answers[name] = await client.next()

    assert {name: a["payload"]["code"] for name, a in answers.items()} == {
        name: code for name, (_, code) in BAD_FRAMES.items()
    }
    assert {a["payload"]["level"] for a in answers.values()} == {ERROR}
    assert all(answer["sequence"] is None for answer in answers.values())
    assert await client.is_alive()
    assert len(await run_sync(factories.journal, widget.conversation)) == 3


@pytest.mark.parametrize("name", ["client_event_id", "local_id"])
async def test_a_key_that_is_too_long_is_refused_by_its_name(widget, name):
    client = await widget.open()

    await client.send("USER_MESSAGE", {"text": "Hi"}, **{name: "x" * 65})

    message = (await client.next())["payload"]["message"]
    assert message == f"metadata.custom.{name} may have 64 characters."


async def test_a_binary_frame_is_refused_and_the_socket_lives_on(widget):
    client = await widget.open()

    await client.send_bytes(b"\x00\x01")

    assert (await client.next())["payload"]["code"] == "bad_json"
    assert await client.is_alive()


async def test_a_refused_frame_comes_back_with_the_clients_metadata(widget):
    client = await widget.open()

    await client.send("DANCE", tag="d")

    assert (await client.next())["metadata"] == {"custom": {"tag": "d"}}
