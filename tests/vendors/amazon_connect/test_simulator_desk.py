"""The desk refuses what is wrong, its faults wear the right service's shape, and state is kept."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from integrations.simulators.simulator import running_simulator
from integrations.vendors.amazon_connect.simulator import AmazonConnectSimulator
from tests.vendors.amazon_connect.simulator_harness import (
    INSTANCE,
    aws_client,
    key_client,
    new_customer,
    open_socket,
    refusal,
)
from tests.vendors.desk import Desk


async def test_action_in_the_wrong_state_is_refused_and_changes_nothing(desk, customer, socket):
    waiting = customer.chat_id
    await socket.until("participant.joined")
    before = await desk.conversation(waiting)

    refused = [
        await desk.refused(waiting, action, **fields)
        for action, fields in [
            ("say", {"text": "hello"}),
            *((name, {}) for name in ("end", "read", "leave", "type", "idle", "scan")),
            ("transfer", {"queue": "Billing"}),
            ("conference", {"agent_name": "Sam"}),
        ]
    ]

    assert refused == [409] * 9
    assert await desk.conversation(waiting) == before
    await desk.act(waiting, "accept", agent_name="Noor Halvorsen")
    assert await desk.refused(waiting, "accept", agent_name="Noor Halvorsen") == 409
    assert await desk.refused(waiting, "say", text="x", agent_name="Nobody") == 409


async def test_agent_who_accepts_early_takes_the_chat_when_its_flow_has_queued_it(
    desk, customer, http
):
    await desk.act(customer.chat_id, "accept", agent_name="Noor Halvorsen")
    early = (await desk.conversation(customer.chat_id))["status"]

    async with open_socket(http, customer.socket_url) as socket:
        await socket.subscribe()
        await socket.until("participant.joined")
        joined = await socket.until("participant.joined")

    assert early == "queued"
    assert joined["DisplayName"] == "Noor Halvorsen"


async def test_agents_who_are_offline_take_nothing(desk, customer, socket):
    await desk.fault("agents_offline", bool=True)
    refused = await desk.refused(customer.chat_id, "accept", agent_name="Noor Halvorsen")
    await desk.fault("agents_offline", bool=False)

    await desk.act(customer.chat_id, "accept", agent_name="Noor Halvorsen")

    assert refused == 409


async def test_unknown_conversation_action_fault_and_switch_are_named(desk, chat):
    assert await desk.refused("unknown", "accept", agent_name="Noor") == 404
    assert await desk.refused(chat, "dance") == 404
    assert await desk.refused(chat, "message", content=5) == 400
    assert (await desk.post("faults", kind="flood"))[0] == 400
    assert (await desk.post("config", nonsense=1))[0] == 400
    assert (await desk.post("config", attachments="yes"))[0] == 400
    assert (await desk.post("config", scan_result="MAYBE"))[0] == 400


async def test_planned_failures_wear_the_shape_of_the_service_they_hit(desk, customer, url):
    connect, sts = customer.connect, key_client("sts", url)

    await desk.fault("fail_next", status=429, path_prefix="/instance")
    throttled = refusal(connect.describe_instance, InstanceId=INSTANCE)
    await desk.fault("fail_next", status=429, path_suffix="/message")
    slowed = refusal(customer.say, text="hello")
    await desk.fault("fail_next", status=503, path_prefix="/")
    unavailable = refusal(sts.get_caller_identity)
    await desk.fault("fail_next", status=429, error_code="LimitExceededException")
    full = refusal(connect.describe_instance, InstanceId=INSTANCE)

    assert throttled == (429, "TooManyRequestsException")
    assert slowed == (429, "ThrottlingException")
    assert unavailable == (503, "ServiceUnavailable")
    assert full == (429, "LimitExceededException")
    assert customer.say("hello")["Id"]


async def test_boto_repeats_what_failed_after_it_was_accepted_and_nothing_is_said_twice(
    desk, url, customer, socket
):
    retrying = Config(signature_version=UNSIGNED, retries={"mode": "standard"})
    patient = aws_client("connectparticipant", url, config=retrying)
    await desk.fault("fail_next", status=500, path_suffix="/message", after_accept=True)

    patient.send_message(ConnectionToken=customer.token, ContentType="text/plain", Content="once")

    sent = [one["status"] for one in await desk.get("requests") if "/message" in one["path"]]
    assert sent == [500, 200]
    assert customer.texts().count("once") == 1


async def test_reset_forgets_everything_and_switches_go_back(desk, customer, chat, url):
    await desk.configure(queue="Billing")
    await desk.fault("fail_next", status=500, count=99)

    await desk.post("reset")

    assert await desk.get("conversations") == []
    assert await desk.get("requests") == []
    assert (await desk.get("config"))["queue"] == "Support"
    assert refusal(customer.say, text="hello") == (403, "AccessDeniedException")
    assert new_customer(url).create_connection()


async def test_requests_are_kept_as_they_were_sent(desk, customer):
    customer.say("hello")

    kept = await desk.get("requests")

    assert [one["path"] for one in kept] == [
        *("/contact/chat", "/participant/connection", "/participant/message"),
    ]
    assert kept[2]["headers"]["x-amz-bearer"] == customer.token
    assert "Guest 4417" in kept[0]["body"]


async def test_desk_page_speaks_of_contacts(http):
    async with http.get("/_desk/") as response:
        page = await response.text()

    assert "Simulated Amazon Connect (demo)" in page
    assert "Contact Control Panel" in page
    assert "Accept chat" in page


async def test_browser_may_call_the_participant_service_from_elsewhere(http):
    asked = {
        "Origin": "https://portal.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-amz-bearer,x-amz-date",
    }
    async with http.options("/participant/message", headers=asked) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_restart_with_a_state_file_loses_nothing(tmp_path: Path):
    state_file = tmp_path / "amazon.json"
    with running_simulator(AmazonConnectSimulator(state_file=state_file)) as url:
        customer = new_customer(url)
        customer.create_connection()
        async with (
            aiohttp.ClientSession(url) as http,
            open_socket(http, customer.socket_url) as socket,
        ):
            await socket.subscribe()
            desk = Desk(http)
            await desk.act(customer.chat_id, "accept", agent_name="Noor Halvorsen")
            await desk.act(
                customer.chat_id, "file", name="a.txt", mime_type="", content_base64="aGk="
            )
            customer.say("before")
            before = customer.transcript()
            shown = await desk.conversation(customer.chat_id)

    with running_simulator(AmazonConnectSimulator(state_file=state_file)) as url:
        again = new_customer(url)
        again.started, again.token = customer.started, customer.token
        async with aiohttp.ClientSession(url) as http:
            restored = await Desk(http).conversation(customer.chat_id)

        assert again.transcript() == before
        assert {**restored, "is_connected": True} == shown
        assert again.say("after")["Id"]


async def test_declined_chat_goes_on_waiting(desk, customer, socket):
    await socket.until("participant.joined")
    await desk.act(customer.chat_id, "decline")
    waiting = await desk.conversation(customer.chat_id)

    await desk.act(customer.chat_id, "accept", agent_name="Sam Achterberg")

    assert waiting["status"] == "queued"
    assert await desk.refused(customer.chat_id, "decline") == 409


async def test_flow_and_agent_say_what_the_desk_tells_them_to(desk, chat, socket):
    await desk.act(chat, "system", text="Please hold the line.")
    system = await socket.until("Please hold the line.")
    await desk.act(chat, "message", content="*now*", content_type="text/markdown")
    agent = await socket.until("*now*")

    assert (system["ParticipantRole"], system["DisplayName"]) == ("SYSTEM", "SYSTEM_MESSAGE")
    assert (agent["ParticipantRole"], agent["ContentType"]) == ("AGENT", "text/markdown")


async def test_clock_and_credentials_are_moved_from_the_desk(desk, chat, customer, url):
    role = {"RoleArn": "arn:aws:iam::210987654321:role/PortalHandoff", "RoleSessionName": "baton"}
    keys = key_client("sts", url).assume_role(**role)["Credentials"]
    assumed = aws_client(
        "connect",
        url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )

    await desk.fault("expire_connection_tokens")
    token = refusal(customer.say, text="hello")
    await desk.fault("expire_credentials")
    credentials = refusal(assumed.describe_instance, InstanceId=INSTANCE)
    await desk.fault("skip_clock", seconds=26 * 3600)

    assert token == (403, "AccessDeniedException")
    assert credentials == (403, "ExpiredTokenException")
    assert (await desk.conversation(chat))["status"] == "ended"


async def test_item_that_is_cut_off_goes_out_as_a_frame_like_any_other(desk, chat, socket):
    await desk.fault("malformed_event")

    frame = (await socket.wire.receive(timeout=5)).json()

    assert frame["topic"] == "aws/chat"
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(frame["content"])
