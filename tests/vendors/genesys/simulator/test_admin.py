"""Tokens, permissions, limits, integrations, routing: what Connect and its tests rely on."""

from __future__ import annotations

import base64
import time
import uuid

import aiohttp
import pytest

from integrations.simulators.simulator import running_simulator
from integrations.vendors.genesys.simulator import GenesysSimulator
from integrations.vendors.genesys.simulator.world import AGREED
from tests.vendors.desk import AGENT
from tests.vendors.genesys.simulator.harness import (
    CHANNELS,
    CLIENT_ID,
    INTEGRATION_ID,
    INTEGRATIONS,
    MESSAGES,
    Api,
    EndUser,
    now_text,
    request_token,
)
from tests.waiting import eventually_async

SETTINGS = "/api/v2/conversations/messaging/settings"
THREADING = "/api/v2/conversations/messaging/threadingtimeline"
RECIPIENTS = "/api/v2/routing/message/recipients"
QUEUES = "/api/v2/routing/queues"
TOKEN = "outboundNotificationWebhookSignatureSecretToken"


async def test_token_is_given_for_the_right_client_and_grant_only(http):
    good, answer = await request_token(http)
    wrong, refusal = await request_token(http, secret="guessed")
    other, _ = await request_token(http, grant_type="password")
    basic = base64.b64encode(f"{CLIENT_ID}:simulated-client-secret".encode()).decode()
    async with http.post(
        "/oauth/token",
        json={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {basic}"},
    ) as response:
        as_json = response.status

    assert (good, answer["token_type"], answer["expires_in"]) == (200, "bearer", 86399)
    assert (wrong, refusal["error"]) == (400, "invalid_client")
    assert (other, as_json) == (400, 400)


async def test_tokens_expire_by_time_and_by_fault(desk, http):
    await desk.configure(token_ttl_seconds=0)
    _, short = await request_token(http)
    await desk.configure(token_ttl_seconds=60)
    _, long = await request_token(http)
    api = Api(http, long["access_token"])

    expired = await Api(http, short["access_token"]).call("GET", INTEGRATIONS)
    before = await api.call("GET", INTEGRATIONS)
    await desk.fault("expire_tokens")
    after = await api.call("GET", INTEGRATIONS)
    none = await Api(http, "").call("GET", INTEGRATIONS)

    assert [one.status for one in (expired, before, after, none)] == [401, 200, 401, 401]
    assert after.body["status"] == 401


@pytest.mark.parametrize(
    ("permission", "method", "path"),
    [
        ("conversation:message:receive", "POST", f"{MESSAGES}/{INTEGRATION_ID}/inbound/open/event"),
        ("conversation:message:view", "POST", f"{MESSAGES}/x/messages/bulk"),
        ("conversation:communication:disconnect", "PATCH", f"{MESSAGES}/x/participants/y"),
        ("messaging:integration:view", "GET", f"{INTEGRATIONS}/{INTEGRATION_ID}"),
        ("routing:message:manage", "GET", f"{RECIPIENTS}/x"),
        ("routing:queue:view", "GET", QUEUES),
    ],
)
async def test_a_missing_permission_is_named(desk, api, permission, method, path):
    switches = await desk.get("config")
    rest = [one for one in switches["permissions"] if one != permission]

    await desk.configure(permissions=rest)
    refused = await api.call(method, path, {} if method != "GET" else None)

    assert (refused.status, refused.body["code"]) == (403, "missing.permissions")
    assert permission in refused.body["message"]


async def test_requests_beyond_the_minutes_limit_wait_as_told(desk, api, portal):
    await desk.configure(rate_limit_per_minute=3)

    answers = [await api.call("GET", INTEGRATIONS) for _ in range(4)]

    assert [one.status for one in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    assert 50 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.body["code"].endswith("retry.after")
    assert refused.body["limit"]["key"] == "client.credentials.token.rate.per.minute"
    await desk.configure(rate_limit_per_minute=0)
    assert (await api.call("GET", INTEGRATIONS)).status == 200


async def test_integration_tells_our_webhook_and_its_address_but_no_secret(api, portal, desk):
    found = await api.get(f"{INTEGRATIONS}/{INTEGRATION_ID}")
    recipient = await api.get(f"{RECIPIENTS}/{found['recipient']['id']}")

    assert found["outboundNotificationWebhookUrl"] == portal.url
    assert (found["status"], found["createStatus"]) == ("active", "Completed")
    assert TOKEN not in found
    assert recipient["flow"]["id"]
    unrouted = await api.call("PUT", f"{RECIPIENTS}/{recipient['id']}", {"flow": None})
    assert "flow" not in unrouted.body
    assert (await desk.get("config"))["flow_attached"] is False


async def test_creation_is_asynchronous_and_a_new_integration_works_when_complete(api, portal):
    wanted = {
        "name": "Second",
        "outboundNotificationWebhookUrl": portal.url,
        TOKEN: "sixteen-char-key",
    }

    made = await api.call("POST", INTEGRATIONS, wanted)
    path = f"{INTEGRATIONS}/{made.body['id']}"

    async def is_complete():
        return (await api.get(path))["createStatus"] == "Completed"

    await eventually_async(is_complete)
    listed = await api.get(INTEGRATIONS, params={"pageSize": "1", "pageNumber": "2"})
    removed = await api.call("DELETE", path)

    assert (made.status, made.body["createStatus"]) == (202, "Initiated")
    assert [one["name"] for one in listed["entities"]] == ["Second"]
    assert (listed["total"], listed["pageCount"], "nextUri" in listed) == (2, 2, False)
    assert (removed.status, (await api.call("GET", path)).status) == (204, 404)


async def test_what_an_integration_may_not_be_is_refused(api, portal, desk):
    wanted = {
        "name": "Second",
        "outboundNotificationWebhookUrl": "https://portal.example/hook",
        TOKEN: "sixteen-char-key",
    }
    await desk.configure(require_https_webhook=True)

    answers = [
        await api.call("POST", INTEGRATIONS, {**wanted, **wrong})
        for wrong in (
            {TOKEN: "only-15-letters"},
            {"name": None},
            {"outboundNotificationWebhookUrl": "http://portal.example/hook"},
            {"outboundNotificationWebhookUrl": "https://portal.example:8443/hook"},
            {"webhookHeaders": {"X-Nested": {"no": "way"}}},
        )
    ]

    assert [one.status for one in answers] == [400] * 5
    assert (await api.get(INTEGRATIONS))["total"] == 1
    unnamed = await api.call("PATCH", f"{INTEGRATIONS}/{INTEGRATION_ID}", {})
    assert unnamed.status == 400


async def test_platform_configuration_and_threading_change_what_happens(api, desk, portal):
    on = {"inbound": "Disabled", "outbound": "Disabled"}
    default = await api.get(f"{SETTINGS}/default")

    changed = await api.call(
        "PATCH",
        f"{SETTINGS}/{default['id']}",
        {"name": "Default", "event": {"typing": {"on": on}}},
    )
    other = await api.call("POST", SETTINGS, {"name": "Second"})
    window = {"settings": [{"messengerType": "open", "timeoutInMinutes": 0}]}
    threading = await api.call("PUT", THREADING, window)
    too_long = {"settings": [{"messengerType": "open", "timeoutInMinutes": 4321}]}

    assert default["event"]["typing"]["on"] == {"inbound": "Enabled", "outbound": "Enabled"}
    assert changed.body["event"]["typing"]["on"] == on
    assert (await api.get(f"{SETTINGS}/{other.body['id']}"))["name"] == "Second"
    assert (await api.get(SETTINGS))["total"] == 2
    assert threading.body["settings"][0]["timeoutInMinutes"] == 0
    assert (await api.call("PUT", THREADING, too_long)).status == 400
    switches = await desk.get("config")
    assert (switches["typing_inbound"], switches["threading_minutes"]) == (False, 0)


async def test_queues_tell_how_long_one_waits_and_whether_anybody_is_there(api, desk, end_user):
    await end_user.say("hello", {"QueueName": "Billing"})
    listed = await api.get(QUEUES, params={"name": "Billing"})
    queue_id = listed["entities"][0]["id"]
    query = {
        "filter": {
            "type": "or",
            "predicates": [{"type": "dimension", "dimension": "queueId", "value": queue_id}],
        },
        "metrics": ["oOnQueueUsers", "oWaiting"],
    }
    path = "/api/v2/analytics/queues/observations/query"

    wait = await api.get(f"{QUEUES}/{queue_id}/mediatypes/message/estimatedwaittime")
    present = await api.call("POST", path, query)
    await desk.fault("agents_offline", bool=True)
    away = await api.call("POST", path, query)

    assert wait == {
        "results": [{"intent": "MESSAGE", "formula": "BEST", "estimatedWaitTimeSeconds": 95}]
    }
    counts = [
        {one["metric"]: one["stats"]["count"] for one in answer.body["results"][0]["data"]}
        for answer in (present, away)
    ]
    assert counts == [{"oOnQueueUsers": 3, "oWaiting": 1}, {"oOnQueueUsers": 0, "oWaiting": 1}]
    assert await desk.refused(end_user.conversation_id, "accept", agent_name=AGENT) == 409
    assert (await api.call("GET", f"{QUEUES}/{uuid.uuid4()}")).status == 404
    assert (await api.call("GET", f"/api/v2/users/{uuid.uuid4()}")).status == 404


async def test_planned_failures_speak_the_shape_of_their_host(desk, api, http, portal):
    await desk.fault("fail_next", status=429, path_suffix="/message")
    await desk.fault("fail_next", status=503, path_prefix="/oauth")
    sent = {"channel": {"from": {"id": "x", "idType": "Opaque"}, "time": now_text()}, "text": "a"}

    limited = await api.inbound("message", sent)
    down, refusal = await request_token(http)

    assert (limited.status, limited.headers["Retry-After"]) == (429, "1")
    assert limited.body["contextId"] == limited.headers["ININ-Correlation-Id"]
    assert (down, refusal["error"]) == (503, "server_error")
    assert (await api.inbound("message", sent)).status == 202


async def test_failure_after_acceptance_has_its_effect_all_the_same(desk, api, end_user):
    await desk.fault("fail_next", status=503, path_suffix="/message", after_accept=True)
    sent = {"channel": end_user.channel(), "text": "kept"}

    answer = await api.inbound("message", sent)

    assert answer.status == 503
    (kept,) = await desk.get("conversations")
    assert [one["text"] for one in kept["messages"]] == ["kept"]


async def test_desk_refuses_what_makes_no_sense(desk, end_user):
    await end_user.say("hello")
    chat = end_user.conversation_id

    refused = [
        await desk.refused(chat, "say", text="too early"),
        await desk.refused(chat, "end"),
        await desk.refused(chat, "conference", agent_name="Ruth"),
        await desk.refused(chat, "transfer", queue="Billing"),
    ]
    await desk.act(chat, "accept", agent_name=AGENT)

    assert refused == [409] * 4
    assert await desk.refused(chat, "accept", agent_name=AGENT) == 409
    assert await desk.refused(chat, "transfer", queue="Nowhere") == 404
    assert await desk.refused(str(uuid.uuid4()), "accept") == 404
    for wrong in (
        {"nonsense": 1},
        {"signature": "md5"},
        {"receipts_sent": "yes"},
        {"integration_id": "not-a-uuid"},
        {"webhook_secret": "only-15-letters"},
        {"queues": "Support"},
    ):
        assert (await desk.post("config", **wrong))[0] == 400


async def test_reset_forgets_what_happened_and_keeps_what_was_agreed(desk, api, end_user, portal):
    await desk.configure(queue="Sales", client_secret="rotated")
    await end_user.say("hello")

    await desk.post("reset")

    assert await desk.get("conversations") == []
    assert (await api.call("GET", CHANNELS)).status == 401
    switches = await desk.get("config")
    assert (switches["queue"], switches["client_secret"]) == ("Support", "rotated")
    assert switches["webhook_url"] == portal.url


async def test_another_integration_id_replaces_the_one_of_the_set_up(desk, api, portal):
    other = str(uuid.uuid4())

    await desk.configure(integration_id=other)

    assert (await api.call("GET", f"{INTEGRATIONS}/{INTEGRATION_ID}")).status == 404
    assert (await api.get(f"{INTEGRATIONS}/{other}"))[
        "outboundNotificationWebhookUrl"
    ] == portal.url


async def test_latency_delays_the_vendors_answers(desk, api, portal):
    await desk.fault("latency", ms=150)

    started = time.monotonic()
    await api.call("GET", INTEGRATIONS)

    assert time.monotonic() - started >= 0.15


async def test_desk_shows_what_an_agent_would_see(desk, api, end_user, chat):
    await desk.act(chat, "say", text="hello")
    await desk.act(chat, "read")

    seen = await desk.conversation(chat)

    assert (seen["status"], seen["queue"], seen["agents"]) == ("active", "Support", [AGENT])
    assert seen["end_user"]["display_name"] == "Ines"
    assert [one["from"] for one in seen["messages"]] == ["end_user", "live_agent"]
    assert seen["messages"][0]["read"]
    assert [one["text"] for one in seen["timeline"]] == ["Waiting in Support", f"{AGENT} joined"]
    requests = await desk.get("requests")
    assert {one["status"] for one in requests} == {200, 202}


async def test_state_survives_a_restart(tmp_path, portal):
    file = tmp_path / "state.json"
    with running_simulator(GenesysSimulator(state_file=file, webhook_url=portal.url)) as url:
        async with aiohttp.ClientSession(url) as http:
            _, answer = await request_token(http)
            end_user = EndUser(Api(http, answer["access_token"]))
            await end_user.say("remember me", {"QueueName": "Sales"})

    with running_simulator(GenesysSimulator(state_file=file)) as url:
        async with aiohttp.ClientSession(url) as http:
            again = EndUser(Api(http, answer["access_token"]), id=end_user.id)
            await again.say("I do")
            found = await again.api.conversation(again.conversation_id)

    assert again.conversation_id == end_user.conversation_id
    assert len(found["participants"][0]["messages"]) == 2


def test_a_state_file_of_the_version_before_keeps_what_was_agreed():
    before = GenesysSimulator(webhook_url="http://127.0.0.1:9/hooks/genesys").state_as_dict()
    before["setup"] = {name: before["switches"].pop(name) for name in AGREED}
    simulator = GenesysSimulator()

    simulator.restore_state(before)

    assert simulator.configuration()["webhook_url"] == "http://127.0.0.1:9/hooks/genesys"


async def test_what_no_client_would_write_is_refused_and_breaks_nothing(api, desk):
    queue = {"type": "dimension", "dimension": "queueId", "value": "x"}
    query = {"filter": {"type": "and", "predicates": [queue]}, "metrics": [["oWaiting"]]}
    odd = [
        await api.call("POST", "/api/v2/analytics/queues/observations/query", query),
        await api.call("GET", QUEUES, params={"pageSize": "\u00b2"}),
        await api.call("GET", QUEUES, params={"pageNumber": "9" * 5000}),
        await api.call("PATCH", f"{SETTINGS}/default", {"name": "x", "event": {"typing": "on"}}),
    ]

    assert [one.status for one in odd] == [400] * len(odd)
    strange = {"Expires": "\u00b2", "Signature": "\u00e9"}
    assert (await api.call("GET", "/api/v2/downloads/x", params=strange)).status == 403
    assert await desk.get("conversations") == []
