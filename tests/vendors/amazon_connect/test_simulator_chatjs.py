"""The vendor's own browser client, unmodified, holds a whole chat with the simulator."""

from __future__ import annotations

import asyncio

from tests.vendors.amazon_connect.chatjs_process import chatjs
from tests.vendors.amazon_connect.simulator_harness import REGION, new_customer
from tests.waiting import eventually_async


async def test_chatjs_holds_a_whole_chat(url, desk):
    customer = new_customer(url)
    chat = customer.chat_id

    async with chatjs(url, REGION, customer.started) as client:
        await client.do("connect")
        await client.until("established")
        await desk.act(chat, "accept", agent_name="Noor Halvorsen")
        await eventually_async(lambda: is_active(desk, chat))
        await client.do("type")
        await client.do("say", "Where is my parcel?")
        await client.until("delivered")
        await desk.act(chat, "read")
        await client.until("read")
        await desk.act(chat, "type", is_typing=True)
        await client.until("typing")
        await desk.act(chat, "say", text="Let me look.")
        answer = await client.until("item", "Let me look.")
        await client.do("read", answer["Id"])
        await eventually_async(lambda: is_read(desk, chat, "Let me look."))
        await client.do("attach", {"name": "label.txt", "words": "hello"})
        await desk.act(chat, "transfer", agent_name="Sam Achterberg")
        await desk.act(chat, "say", text="Sam here.")
        await client.until("item", "Sam here.")
        transcript = await client.do("transcript")
        await client.do("leave")
        await client.until("ended")

    assert answer["DisplayName"] == "Noor Halvorsen"
    said = [item.get("Content") for item in transcript["Transcript"] if item["Type"] == "MESSAGE"]
    assert said[1:] == ["Where is my parcel?", "Let me look.", "Sam here."]
    shown = await desk.conversation(chat)
    assert shown["status"] == "ended"
    assert [f["name"] for m in shown["messages"] for f in m["attachments"]] == ["label.txt"]


async def test_chatjs_comes_back_after_its_socket_was_dropped(url, desk):
    customer = new_customer(url)

    async with chatjs(url, REGION, customer.started) as client:
        await client.do("connect")
        await desk.act(customer.chat_id, "accept", agent_name="Noor Halvorsen")
        await eventually_async(lambda: is_active(desk, customer.chat_id))
        await desk.act(customer.chat_id, "say", text="before")
        await client.until("item", "before")
        await desk.fault("drop_streams")
        await eventually_async(lambda: has_connected_twice(desk))
        # Connected is not yet subscribed, and what is said before that is not heard.
        await eventually_async(lambda: has_heard(client, desk, customer.chat_id))


async def is_read(desk, chat: str, text: str) -> bool:
    messages = (await desk.conversation(chat))["messages"]
    return any(message["read"] for message in messages if message["text"] == text)


async def is_active(desk, chat: str) -> bool:
    return (await desk.conversation(chat))["status"] == "active"


async def has_connected_twice(desk) -> bool:
    requests = await desk.get("requests")
    return len([one for one in requests if one["status"] == 101]) == 2


async def has_heard(client, desk, chat: str) -> bool:
    await desk.act(chat, "say", text="after")
    try:
        async with asyncio.timeout(0.2):
            await client.until("item", "after")
    except TimeoutError:
        return False
    return True
