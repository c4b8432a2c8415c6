"""A relay session and files: both ways, in order, through faults, or shown as not delivered."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.event_loop.executor import run_sync
from conversations.models import Attachment, Event
from handoffs.responder import message_accept
from tests.conversations.uploading import PNG, stored
from tests.handoffs.talk import Talk, active
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
API = "/iamessage/api/v2/conversation"


async def send(one: Talk, *names: str, text: str = "") -> Event:
    """Send files as the end user, and return the line."""

    def written() -> Event:
        conversation_id = one.handoff.conversation_id
        files = [stored(conversation_id, PNG + name.encode(), name=name) for name in names]
        [line] = message_accept(
            conversation_id=conversation_id,
            text=text,
            client_event_id="",
            metadata=None,
            file_ids=[file.pk for file in files],
        )
        return line

    line = await run_sync(written)
    one.wake()
    return line


def at_desk(one: Talk) -> list[tuple[str, list[str]]]:
    """Return what the live agent has of the end user's: texts and names of files."""
    return [
        (message["text"], [file["name"] for file in message["attachments"]])
        for message in one.desk()["messages"]
        if message["from"] == "end_user" and not message["text"].startswith("Transcript of")
    ]


def bytes_at_desk(one: Talk) -> dict[str, bytes]:
    """Return the end user's files as the vendor keeps them, by name."""
    files = [file for message in one.desk()["messages"] for file in message["attachments"]]
    return {file["name"]: one.simulator.desk_file(file["id"]).body for file in files}


async def lines(one: Talk, *kinds: str) -> list[dict[str, Any]]:
    def read() -> list[dict[str, Any]]:
        found = Event.objects.filter(conversation_id=one.handoff.conversation_id, type__in=kinds)
        return list(found.order_by("sequence").values_list("payload", flat=True))

    return await run_sync(read)


async def test_a_message_with_files_arrives_text_first_and_byte_for_byte(talk):
    one = await active(talk)

    await send(one, "a.png", "b.png", text="Both receipts")
    await one.write("That is all.")
    await eventually_async(lambda: len(at_desk(one)) >= 4)

    assert at_desk(one)[-4:] == [
        ("Both receipts", []),
        ("", ["a.png"]),
        ("", ["b.png"]),
        ("That is all.", []),
    ]
    assert bytes_at_desk(one) == {"a.png": PNG + b"a.png", "b.png": PNG + b"b.png"}


async def test_reading_the_last_file_is_reading_the_message(talk):
    one = await active(talk)
    line = await send(one, "a.png", text="My receipt")
    await eventually_async(lambda: len(at_desk(one)) >= 2)

    one.simulator.live_agent_reads(one.desk_id())

    async def receipts() -> list[str]:
        return [p["message_id"] for p in await lines(one, "LIVE_AGENT_READ_MESSAGE")]

    assert await eventually_async(receipts) == [str(line.pk)]


async def test_a_vendor_that_falters_gets_each_part_once(talk):
    one = await active(talk)
    chat = one.desk_id()
    one.simulator.fail_next(status=503, count=2, path_prefix=f"{API}/{chat}/file")

    await send(one, "a.png", text="My receipt")
    await one.write("And now?")
    await eventually_async(lambda: "And now?" in one.at_desk())

    assert at_desk(one)[-3:] == [("My receipt", []), ("", ["a.png"]), ("And now?", [])]


async def test_another_worker_goes_on_with_the_part_that_is_missing(talk):
    one = await active(talk)
    chat = one.desk_id()
    one.simulator.fail_next(status=503, count=1000, path_prefix=f"{API}/{chat}/file")
    await send(one, "a.png", text="My receipt")
    await eventually_async(lambda: "My receipt" in one.at_desk())
    await one.kill()

    one.simulator.faults.clear()
    await one.serve()
    await eventually_async(lambda: "a.png" in bytes_at_desk(one))

    assert at_desk(one)[-2:] == [("My receipt", []), ("", ["a.png"])]


async def test_where_the_channel_takes_no_files_the_live_agent_gets_a_link(talk):
    one = await active(talk)
    one.simulator.configure(attachments=False)

    await send(one, "a.png")
    await eventually_async(lambda: "a.png: http" in "".join(one.at_desk()))

    async def is_marked() -> bool:
        return (await one.statuses())[-1] in ("sent", "delivered")

    await eventually_async(is_marked)


async def test_a_file_the_vendor_refuses_marks_its_message_and_holds_nothing_up(talk):
    one = await active(talk)
    chat = one.desk_id()
    one.simulator.fail_next(status=422, count=1, path_prefix=f"{API}/{chat}/file")

    line = await send(one, "a.png")
    await one.write("Did it arrive?")
    await one.arrives("Did it arrive?")

    [notice] = [p for p in await lines(one, "SYSTEM_MESSAGE") if "message_id" in p]
    assert (notice["code"], notice["message_id"]) == ("handoff_forward_failed", str(line.pk))


async def test_a_file_that_is_kept_no_longer_is_shown_as_not_delivered(talk):
    one = await active(talk)
    await one.kill()
    await send(one, "a.png")
    await run_sync(Attachment.objects.all().delete)

    await one.serve()

    async def failed() -> bool:
        return await one.statuses() == ["failed"]

    await eventually_async(failed)


# ---- from the live agent ----


async def agent_sends(one: Talk, name: str) -> None:
    one.simulator.live_agent_sends_file(
        one.desk_id(), name=name, mime_type="image/png", content=PNG
    )


async def test_a_live_agents_file_is_fetched_and_stored_byte_for_byte(talk):
    one = await active(talk)

    await agent_sends(one, "map.png")
    [message] = await eventually_async(lambda: lines(one, "LIVE_AGENT_MESSAGE"))

    [shown] = message["attachments"]
    kept = await run_sync(Attachment.objects.get)
    assert (shown["file_id"], shown["title"]) == (str(kept.pk), "map.png")
    assert await run_sync(kept.file.read) == PNG


async def test_a_fetch_that_fails_at_first_is_tried_again_and_keeps_the_order(talk):
    one = await active(talk)
    one.simulator.fail_next(status=503, count=1, path_prefix="/sfc/file/")

    await agent_sends(one, "map.png")
    one.simulator.live_agent_says(one.desk_id(), text="Here is the map")

    async def said() -> list[dict[str, Any]]:
        found = await lines(one, "LIVE_AGENT_MESSAGE")
        return found if len(found) == 2 else []

    file, text = await eventually_async(said)
    assert (file["attachments"][0]["title"], text["text"]) == ("map.png", "Here is the map")


async def test_a_file_that_cannot_be_fetched_is_told_and_the_talk_goes_on(talk):
    one = await active(talk)
    one.simulator.fail_next(status=404, count=1, path_prefix="/sfc/file/")

    await agent_sends(one, "map.png")
    one.simulator.live_agent_says(one.desk_id(), text="Here is the map")
    await eventually_async(one.said_by_agent)

    assert "file_not_fetched" in [p["code"] for p in await lines(one, "SYSTEM_MESSAGE")]
    assert await one.said_by_agent() == ["Here is the map"]


async def test_a_switch_keeps_the_live_agents_files_back(talk):
    one = await active(talk, attachments_agent=False)

    await agent_sends(one, "map.png")

    async def told() -> bool:
        return "file_not_fetched" in [p["code"] for p in await lines(one, "SYSTEM_MESSAGE")]

    await eventually_async(told)
    assert not await run_sync(Attachment.objects.exists)
