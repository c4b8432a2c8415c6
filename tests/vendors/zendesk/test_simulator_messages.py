"""Messages, activity and attachments: what is taken, what is refused, what is listed."""

from __future__ import annotations

import aiohttp
import pytest

TEXT = {"type": "text", "text": "Hello"}
BUSINESS = {"type": "business", "displayName": "Helper"}
ITEM = {"title": "Shoes", "actions": [{"type": "link", "text": "See", "uri": "https://a.example"}]}
FIELD = {"type": "email", "name": "mail", "label": "E-mail"}


async def test_message_is_answered_as_a_list_of_one_with_its_metadata(chat):
    status, answer = await chat.post(TEXT, metadata={"portalMessageId": "m-1"})

    [message] = answer["messages"]
    assert status == 201
    assert message["author"] == {"type": "user", "userId": chat.user_id}
    assert message["content"] == TEXT
    assert message["source"] == {"type": "api:conversations"}
    assert message["metadata"] == {"portalMessageId": "m-1"}


async def test_repeated_post_adds_another_message(chat):
    for _ in range(2):
        await chat.say("Once?", metadata={"portalMessageId": "m-1"})

    found = (await chat.messages())["messages"]

    assert [one["content"]["text"] for one in found] == ["Once?", "Once?"]
    assert found[0]["id"] != found[1]["id"]


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        {"type": "text", "markdownText": "**Hello**"},
        {"type": "text", "text": "x" * 4096},
        {"type": "text", "text": "\U0001f44b" * 2048},
        {"type": "image", "mediaUrl": "https://img.example/a.png", "altText": "A"},
        {"type": "file", "mediaUrl": "https://files.example/a.pdf"},
        {"type": "carousel", "items": [ITEM]},
        {"type": "list", "items": [ITEM]},
        {"type": "form", "fields": [FIELD]},
        {"type": "location", "coordinates": {"lat": 1.5, "long": 2}},
        {"type": "template", "template": {"name": "a"}},
        {**TEXT, "actions": [{"type": "reply", "text": "Yes", "payload": "YES"}]},
    ],
)
async def test_every_content_type_of_the_contract_is_taken(chat, content):
    status, answer = await chat.post(content, BUSINESS)

    assert status == 201
    assert answer["messages"][0]["content"] == content


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        {"type": "text"},
        {"type": "text", "text": ""},
        {"type": "text", "text": "x" * 4097},
        {"type": "text", "text": "\U0001f44b" * 2049},
        {"type": "text", "text": "a", "htmlText": "x" * 4097},
        {"type": "video", "mediaUrl": "https://a.example"},
        {"type": "file"},
        {"type": "image", "mediaUrl": "not-a-url"},
        {"type": "image", "mediaUrl": "https://img.example/a.png", "altText": "x" * 129},
        {"type": "carousel", "items": []},
        {"type": "carousel", "items": [ITEM] * 11},
        {"type": "carousel", "items": [{"title": "Shoes"}]},
        {"type": "form", "fields": []},
        {"type": "form", "fields": [{"type": "date", "name": "a", "label": "A"}]},
        {"type": "formResponse", "fields": [FIELD]},
        {"type": "location", "coordinates": {"lat": 1}},
        {**TEXT, "actions": [{"type": "reply", "text": "Yes"}]},
    ],
)
async def test_wrong_content_is_a_bad_request(chat, content):
    status, answer = await chat.post(content, BUSINESS)

    assert (status, answer["errors"][0]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("author", "status"),
    [
        ({"type": "user"}, 400),
        ({"type": "agent"}, 400),
        ({"type": "user", "userExternalId": "nobody"}, 404),
        ({"type": "business", "subtypes": ["agent"]}, 400),
        ({"type": "business", "subtypes": ["AI"]}, 201),
    ],
)
async def test_author_is_the_business_or_one_known_user(chat, author, status):
    answered, _ = await chat.post(TEXT, author)

    assert answered == status


async def test_user_of_another_conversation_is_no_author_here(caller, chat):
    stranger = await caller.user()

    status, _ = await chat.post(TEXT, {"type": "user", "userId": stranger["id"]})

    assert status == 400


async def test_destination_and_metadata_are_checked(chat):
    silent, _ = await chat.post(TEXT, BUSINESS, destination="none")
    of_user, _ = await chat.post(TEXT, destination="none")
    nested, _ = await chat.post(TEXT, metadata={"a": {"b": 1}})

    assert (silent, of_user, nested) == (201, 400, 400)


async def test_messages_come_in_pages_of_a_hundred_the_newest_first(chat):
    for number in range(205):
        await chat.say(str(number))

    pages = [await chat.messages()]
    while pages[-1]["meta"]["hasMore"]:
        cursor = pages[-1]["meta"]["beforeCursor"]
        pages.append(await chat.messages(**{"page[before]": cursor}))
    forward = await chat.messages(**{"page[after]": pages[1]["meta"]["afterCursor"]})

    found = [[one["content"]["text"] for one in page["messages"]] for page in pages]
    assert [len(page) for page in found] == [100, 100, 5]
    assert [text for page in reversed(found) for text in page] == [str(n) for n in range(205)]
    assert [one["content"]["text"] for one in forward["messages"]] == found[0]


async def test_full_conversation_is_locked_until_its_messages_are_removed(desk, chat):
    await desk.configure(message_limit=2)
    first = await chat.say("one")
    await chat.say("two")

    locked, answer = await chat.post(TEXT)
    removed = await chat.on("DELETE", f"/messages/{first['id']}")
    missing, _ = await chat.on("DELETE", f"/messages/{first['id']}")
    assert (await chat.post(TEXT))[0] == 201
    await chat.on("DELETE", "/messages")

    assert (locked, answer["errors"][0]["code"]) == (423, "locked")
    assert (removed, missing) == ((200, {}), 404)
    assert (await chat.messages())["messages"] == []


@pytest.mark.parametrize(
    ("kind", "author", "status"),
    [
        ("typing:start", "business", 200),
        ("typing:stop", "business", 200),
        ("conversation:read", "business", 200),
        ("conversation:read", "user", 200),
        ("typing:start", "user", 400),
        ("dancing:start", "business", 400),
    ],
)
async def test_user_may_read_but_not_type(chat, kind, author, status):
    who = {"type": author, **({"userId": chat.user_id} if author == "user" else {})}

    answered, answer = await chat.on("POST", "/activity", {"type": kind, "author": who})

    assert answered == status
    assert status != 200 or answer == {}


async def upload(chat, **query: str) -> tuple[int, dict]:
    form = aiohttp.FormData()
    form.add_field("source", b"hello", filename="label 1.txt", content_type="text/plain")
    params = {"access": "public", "for": "message", "conversationId": chat.conversation_id}
    params = {name: value for name, value in {**params, **query}.items() if value}
    return await chat.caller.on("POST", "/attachments", params=params, data=form)


async def test_upload_is_served_sent_and_removed(http, desk, chat):
    status, answer = await upload(chat)
    url = answer["attachment"]["mediaUrl"]
    content = {"type": "file", "mediaUrl": url, "altText": "label 1.txt"}
    sent, _ = await chat.post(content)
    async with http.get(url) as response:
        served = (response.status, response.content_type, await response.read())
    await desk.configure(private_attachments=True)
    async with http.get(url) as response:
        private = response.status
    removed = await chat.caller.on("POST", "/attachments/remove", {"mediaUrl": url})
    again, _ = await chat.caller.on("POST", "/attachments/remove", {"mediaUrl": url})

    assert (status, answer["attachment"]["mediaType"], sent) == (201, "text/plain", 201)
    assert served == (200, "text/plain", b"hello")
    assert (private, removed, again) == (401, (200, {}), 404)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"access": "private"}, 400),
        ({"for": "avatar"}, 400),
        ({"conversationId": ""}, 400),
        ({"conversationId": "unknown"}, 404),
        ({"for": "", "conversationId": ""}, 201),
    ],
)
async def test_upload_must_say_what_it_is_for(chat, query, status):
    assert (await upload(chat, **query))[0] == status


async def test_upload_is_limited_and_needs_its_part(desk, chat):
    await desk.configure(upload_limit=4)
    large, _ = await upload(chat)
    form = aiohttp.FormData()
    form.add_field("file", b"a", filename="a.txt")
    params = {"access": "public"}
    unnamed, _ = await chat.caller.on("POST", "/attachments", params=params, data=form)
    plain, _ = await chat.caller.on("POST", "/attachments", {}, params=params)

    assert (large, unnamed, plain) == (413, 400, 415)


async def test_file_of_another_conversation_is_refused(caller, chat):
    other = await caller.conversation()
    _, answer = await upload(chat)

    status, _ = await other.post({"type": "file", "mediaUrl": answer["attachment"]["mediaUrl"]})

    assert status == 400
