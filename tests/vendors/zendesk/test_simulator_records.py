"""Users, conversations, participants, webhooks: bodies checked, ids taken, lists in pages."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from yarl import URL

from tests.vendors.zendesk.simulator_harness import APP_ID, INTEGRATION_ID, Chat


async def test_external_id_is_taken_once_and_finds_the_user(caller):
    made = await caller.user("portal:acme/7 f", profile={"email": "noor@sample.example"})

    again, answer = await caller.on("POST", "/users", {"externalId": "portal:acme/7 f"})
    path = f"/sc/v2/apps/{APP_ID}/users/{quote('portal:acme/7 f', safe='')}"
    async with caller.http.get(URL(path, encoded=True), headers=caller.headers) as response:
        found = (await response.json())["user"]

    assert (again, answer["errors"][0]["code"]) == (409, "conflict")
    assert found == made
    assert made["identities"][0]["value"] == "noor@sample.example"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"externalId": ""},
        {"externalId": "x" * 1025},
        {"externalId": 5},
        {"externalId": "a", "metadata": {"deep": {"er": 1}}},
        {"externalId": "a", "metadata": {"big": "x" * 5000}},
        {"externalId": "a", "profile": {"givenName": "x" * 129}},
        {"externalId": "a", "signedUpAt": "yesterday"},
    ],
)
async def test_wrong_user_is_a_bad_request(caller, body):
    status, answer = await caller.on("POST", "/users", body)

    assert (status, answer["errors"][0]["code"]) == (400, "bad_request")


async def test_all_that_is_wrong_with_a_body_is_told_at_once(caller):
    _, answer = await caller.on("POST", "/users", {"profile": {"email": ""}, "metadata": 3})

    titles = [error["title"] for error in answer["errors"]]
    assert len(titles) == 3


async def test_change_of_a_user_merges_metadata_and_null_takes_a_key_away(caller):
    user = await caller.user(metadata={"plan": "gold", "vip": True})

    _, answer = await caller.on(
        "PATCH", f"/users/{user['id']}", {"metadata": {"vip": None, "age": 4}}
    )

    assert answer["user"]["metadata"] == {"plan": "gold", "age": 4}


async def test_users_are_listed_by_email_only(caller):
    made = await caller.user(profile={"email": "ines@sample.example"})
    await caller.user(profile={"email": "other@sample.example"})

    status, answer = await caller.on(
        "GET", "/users", params={"filter[identities.email]": "ines@sample.example"}
    )

    assert status == 200
    assert [one["id"] for one in answer["users"]] == [made["id"]]
    assert (await caller.on("GET", "/users"))[0] == 400


async def test_removed_user_takes_the_conversations_along(caller, chat):
    assert await caller.on("DELETE", f"/users/{chat.user_id}") == (200, {})

    user = await caller.on("GET", f"/users/{chat.user_id}")
    assert (user[0], user[1]["errors"][0]["code"]) == (404, "user_not_found")
    conversation = await chat.on("GET")
    assert conversation[1]["errors"][0]["code"] == "conversation_not_found"


async def test_personal_information_can_be_removed_alone(caller):
    user = await caller.user(profile={"givenName": "Ines"}, metadata={"plan": "gold"})

    status, answer = await caller.on("DELETE", f"/users/{user['id']}/personalinformation")

    assert (status, answer["user"]["profile"], answer["user"]["metadata"]) == (200, {}, {})


async def test_user_made_by_api_has_neither_clients_nor_devices(caller, chat):
    assert (await caller.on("GET", f"/users/{chat.user_id}/clients"))[1]["clients"] == []
    assert (await caller.on("GET", f"/users/{chat.user_id}/devices"))[1] == {"devices": []}


@pytest.mark.parametrize(
    ("participants", "status", "code"),
    [
        ([], 400, "bad_request"),
        (None, 400, "bad_request"),
        ([None], 400, "bad_request"),
        ([{}], 400, "bad_request"),
        ([{"userId": "a", "userExternalId": "b"}], 400, "bad_request"),
        ([{"userId": "a"}, {"userId": "b"}], 400, "bad_request"),
        ([{"userExternalId": "nobody"}], 404, "user_not_found"),
    ],
)
async def test_personal_conversation_needs_exactly_one_known_user(
    caller, participants, status, code
):
    body = {"type": "personal", "participants": participants}

    answered, answer = await caller.on("POST", "/conversations", body)

    assert (answered, answer["errors"][0]["code"]) == (status, code)


async def test_first_personal_conversation_is_the_default_and_cannot_be_removed(caller, chat):
    body = {"type": "personal", "participants": [{"userId": chat.user_id}]}
    _, answer = await caller.on("POST", "/conversations", body)
    second = Chat(caller, answer["conversation"]["id"], chat.user_id)

    assert answer["conversation"]["isDefault"] is False
    assert (await chat.on("DELETE"))[0] == 400
    assert await second.on("DELETE") == (200, {})
    assert (await second.on("GET"))[0] == 404


async def test_conversations_are_listed_by_user_in_pages(caller, chat):
    body = {"type": "personal", "participants": [{"userId": chat.user_id}]}
    ids = [chat.conversation_id]
    for _ in range(2):
        _, answer = await caller.on("POST", "/conversations", body)
        ids.append(answer["conversation"]["id"])
    who = {"filter[userId]": chat.user_id, "page[size]": "2"}

    _, first = await caller.on("GET", "/conversations", params=who)
    after = {**who, "page[after]": first["meta"]["afterCursor"]}
    _, second = await caller.on("GET", "/conversations", params=after)

    assert [one["id"] for one in first["conversations"]] == ids[:2]
    assert [one["id"] for one in second["conversations"]] == ids[2:]
    assert (first["meta"]["hasMore"], second["meta"]["hasMore"]) == (True, False)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"filter[userId]": "a", "filter[userExternalId]": "b"},
    ],
)
async def test_list_of_conversations_needs_one_filter(caller, query):
    assert (await caller.on("GET", "/conversations", params=query))[0] == 400


async def test_cursors_exclude_each_other_and_pages_are_limited(caller, chat):
    who = {"filter[userId]": chat.user_id}
    both = {**who, "page[after]": "a", "page[before]": "b"}

    assert (await caller.on("GET", "/conversations", params=both))[0] == 400
    assert (await caller.on("GET", "/conversations", params={**who, "page[size]": "101"}))[0] == 400
    unknown = await caller.on("GET", "/conversations", params={"filter[userId]": "nobody"})
    assert unknown[1]["errors"][0]["code"] == "user_not_found"


async def test_conversation_can_be_changed(chat):
    body = {"displayName": "Web chat", "metadata": {"portalSession": None, "step": 4}}

    _, answer = await chat.on("PATCH", "", body)

    assert answer["conversation"]["displayName"] == "Web chat"
    assert answer["conversation"]["metadata"] == {"step": 4}


async def test_only_group_conversations_are_joined_and_left(caller, chat):
    user = await caller.user()
    _, answer = await caller.on("POST", "/conversations", {"type": "sdkGroup"})
    group = Chat(caller, answer["conversation"]["id"], user["id"])

    joined, participant = await group.on("POST", "/join", {"userId": user["id"]})
    _, listed = await group.on("GET", "/participants")
    left = await group.on("POST", "/leave", {"userId": user["id"]})

    assert (joined, participant["participant"]["userId"]) == (201, user["id"])
    assert [one["userId"] for one in listed["participants"]] == [user["id"]]
    assert left == (200, {})
    assert (await chat.on("POST", "/join", {"userId": user["id"]}))[0] == 400


async def test_webhooks_are_listed_with_their_secret_made_changed_and_removed(caller, app_caller):
    body = {"target": "https://portal.example/events", "triggers": ["conversation:message"]}

    _, before = await caller.on("GET", "/integrations/me/webhooks")
    made, answer = await caller.on("POST", "/integrations/me/webhooks", body)
    path = f"/integrations/{INTEGRATION_ID}/webhooks/{answer['webhook']['id']}"
    _, changed = await app_caller.on("PATCH", path, {"triggers": ["conversation:typing"]})
    removed = await caller.on("DELETE", path)

    assert [one["secret"] for one in before["webhooks"]] == ["simulated-shared-secret"]
    assert made == 201
    assert answer["webhook"]["secret"]
    assert changed["webhook"]["triggers"] == ["conversation:typing"]
    assert changed["webhook"]["target"] == body["target"]
    assert removed == (200, {})
    assert (await caller.on("GET", path))[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        {"triggers": ["conversation:message"]},
        {"target": "https://portal.example", "triggers": []},
        {"target": "https://portal.example", "triggers": ["Conversation:Message"]},
        {"target": "portal.example", "triggers": ["conversation:message"]},
    ],
)
async def test_wrong_webhook_is_a_bad_request(caller, body):
    assert (await caller.on("POST", "/integrations/me/webhooks", body))[0] == 400


async def test_webhook_of_the_integration_can_be_pointed_elsewhere_by_api(caller, desk):
    path = "/integrations/me/webhooks/dd11ee22ff33aa44bb55cc66"

    status, answer = await caller.on("PATCH", path, {"target": "https://portal.example/e"})

    assert (status, answer["webhook"]["target"]) == (200, "https://portal.example/e")
    assert (await desk.get("config"))["webhook_target"] == "https://portal.example/e"


async def test_app_key_sees_the_switchboard_and_lets_standby_events_through(app_caller):
    _, found = await app_caller.on("GET", "/switchboards")
    path = f"/switchboards/{found['switchboards'][0]['id']}/switchboardIntegrations"
    _, before = await app_caller.on("GET", path)
    own = next(one for one in before["switchboardIntegrations"] if one["name"] == "handoff-portal")

    status, answer = await app_caller.on(
        "PATCH", f"{path}/{own['id']}", {"deliverStandbyEvents": True}
    )

    assert own["deliverStandbyEvents"] is False
    assert (status, answer["switchboardIntegration"]["deliverStandbyEvents"]) == (200, True)
    assert (await app_caller.on("GET", "/switchboards/x/switchboardIntegrations"))[0] == 404


async def test_body_must_be_json_and_small(caller):
    plain, _ = await caller.on("POST", "/users", data=b"{}")
    broken, _ = await caller.on(
        "POST",
        "/users",
        data=b"{",
        headers={"Content-Type": "application/json", **caller.headers},
    )
    large, _ = await caller.on("POST", "/users", {"externalId": "a", "filler": "x" * 100_001})

    assert (plain, broken, large) == (415, 400, 413)
