"""What only Salesforce does: tokens, verification, silence, the end that nobody announces."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from integrations.contract.connector import EndReason, EndUserIdentity
from integrations.contract.errors import (
    CannotConnectError,
    ConversationGoneError,
    InvalidAuthError,
    RejectedError,
)
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    NoLiveAgents,
    QueuePositionChanged,
    TransferStarted,
)
from integrations.vendors.salesforce_messaging.client import AccessToken
from tests.contract.bench import AGENT, Bench, handoff_request, outbound, running_bench, until

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
INES = EndUserIdentity(external_id="ines-4411", is_verified=True, name="Ines Okafor")
VERIFIED = {
    "mode": "miaw_verified",
    "jwt_key_id": "portal-2026-01",
    "jwt_issuer": "https://portal.example.org",
    "jwt_private_key": KEY.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode(),
}


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("salesforce_messaging") as bench:
        yield bench


async def register_key(bench: Bench) -> None:
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = {
        "kid": VERIFIED["jwt_key_id"],
        "issuer": VERIFIED["jwt_issuer"],
        "public_key_pem": public.decode(),
    }
    await bench.desk("POST", "/config", register_key=key)


async def requests(bench: Bench, *, ending: str) -> list[dict]:
    return [
        row
        for row in await bench.desk("GET", "/requests")
        if row["path"].endswith(ending) and not row["path"].startswith("/_desk")
    ]


async def checks(bench: Bench, **credentials: str) -> dict[str, str]:
    found = bench.connector(**credentials).test_connection()
    return {result.name: result.code async for result in found}


async def test_verified_end_user_is_vouched_for(bench: Bench):
    await register_key(bench)

    session, _ = await bench.started(bench.connector(**VERIFIED), end_user=INES)

    row = await bench.seen_by_agent(session)
    assert row["end_user"]["is_authenticated"]
    assert row["attributes"]["Chat_Consumer_Type"] == "authenticated"
    assert row["attributes"]["_firstName"] == "Ines"


async def test_word_of_an_expired_token_brings_a_new_one_and_the_conversation_goes_on(bench: Bench):
    await register_key(bench)
    session, listener = await bench.started(bench.connector(**VERIFIED), end_user=INES)
    await listener.wait_for(LiveAgentJoined)

    await bench.fault("expired_item")
    await bench.act(session, "say", text="Said meanwhile")

    await listener.wait_for(LiveAgentMessage)
    assert listener.texts == ["Said meanwhile"]
    assert len(await requests(bench, ending="/authenticated/access-token")) == 2


@pytest.mark.parametrize("algorithm", ["RS256", "RS512"])
async def test_each_algorithm_is_accepted(bench: Bench, algorithm: str):
    await register_key(bench)

    assert (await checks(bench, **VERIFIED, jwt_alg=algorithm))["verified_token"] == "ok"


async def test_both_kinds_of_end_user_come_through_one_deployment(bench: Bench):
    await register_key(bench)

    session, _ = await bench.started(bench.connector(**VERIFIED))

    row = await bench.seen_by_agent(session)
    assert row["attributes"]["Chat_Consumer_Type"] == "unauthenticated"
    assert not row["end_user"]["is_authenticated"]


async def test_anonymous_end_user_is_turned_away_where_identity_is_required(bench: Bench):
    await register_key(bench)
    connector = bench.connector(**VERIFIED, anonymous_allowed="false")

    with pytest.raises(RejectedError) as caught:
        await connector.start(handoff_request())

    assert caught.value.vendor_code == "identity_required"
    assert await requests(bench, ending="/access-token") == []
    assert await connector.start(handoff_request(end_user=INES))


async def test_unknown_key_is_an_error_of_the_credentials_until_it_is_registered(bench: Bench):
    connector = bench.connector(**VERIFIED)
    request = handoff_request(end_user=INES)
    with pytest.raises(InvalidAuthError) as caught:
        await connector.start(request)
    before = await checks(bench, **VERIFIED)

    await register_key(bench)

    assert caught.value.field == "jwt_key_id"
    assert before == {
        "reach": "ok",
        "token": "ok",
        "verified_token": "invalid_auth",
        "stream": "ok",
    }
    assert set((await checks(bench, **VERIFIED)).values()) == {"ok"}
    assert await connector.start(request)


async def test_unfinished_draft_can_be_tested(bench: Bench):
    nothing = dict.fromkeys(("scrt_url", "org_id", "es_developer_name"), "")
    keyless = {**VERIFIED, "jwt_private_key": ""}

    assert (await checks(bench, **nothing))["reach"] == "dns"
    assert (await checks(bench, **keyless))["verified_token"] == "invalid_auth"


async def test_verification_that_salesforce_ignores_is_noted_and_the_handoff_goes_on(bench: Bench):
    await bench.desk("POST", "/config", auth_failure_mode="anonymous")

    session, _ = await bench.started(bench.connector(**VERIFIED), end_user=INES)

    row = await bench.seen_by_agent(session)
    assert row["attributes"]["Chat_Consumer_Type"] == "unauthenticated"
    assert "verification_ignored" in [record.error_code for record in bench.records]
    assert (await checks(bench, **VERIFIED))["verified_token"] == "invalid_auth"


async def test_verified_conversation_outlives_its_token(bench: Bench):
    await register_key(bench)
    connector = bench.connector(**VERIFIED)
    session, listener = await bench.started(connector, end_user=INES)
    await bench.act(session, "say", text="before")
    await listener.wait_for(LiveAgentMessage)

    await bench.fault("expire_tokens")
    await connector.send_message(session, outbound("once"))
    await bench.act(session, "say", text="after")
    await listener.wait_for(LiveAgentMessage, 2)

    assert listener.texts == ["before", "after"]
    assert (await bench.said_by(session, "end_user")).count("once") == 1


async def test_verified_token_is_renewed_before_it_expires(bench: Bench):
    await register_key(bench)
    await bench.desk("POST", "/config", token_ttl_seconds=4)
    connector = bench.connector(**VERIFIED)
    session, listener = await bench.started(connector, end_user=INES)
    await listener.wait_for(LiveAgentJoined)

    await until(lambda: sum(r.operation == "events" for r in bench.records) >= 2)
    await bench.act(session, "say", text="still here")
    await listener.wait_for(LiveAgentMessage)

    first, second = [r for r in bench.records if r.operation == "events"][:2]
    assert second.started_at - first.started_at < timedelta(seconds=3)
    assert first.status == second.status == 200


async def test_anonymous_conversation_ends_with_its_token(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)

    await bench.fault("expire_tokens")
    await until(lambda: listener.error)

    assert isinstance(listener.error, ConversationGoneError)
    with pytest.raises(ConversationGoneError):
        await connector.send_message(session, outbound("Too late"))
    with pytest.raises(InvalidAuthError):  # not confirmed: the token may be taken again
        await connector.end(session, EndReason.END_USER_LEFT)
    bench.tokens.values.clear()
    await connector.end(session, EndReason.END_USER_LEFT)  # now nobody can reach it any more


async def test_start_that_breaks_halfway_is_completed_by_the_next_try(bench: Bench):
    connector = bench.connector()
    request = handoff_request(routing={"summary": "Wants a refund"})
    for path in ("/iamessage/api/v2/authorization", "/iamessage/api/v2/conversation"):
        await bench.fault("fail_next", status=503, count=1, path_prefix=path)
        with pytest.raises(CannotConnectError):
            await connector.start(request)

    session = await bench.connector().start(request)

    said = await bench.said_by(session, "end_user")
    assert [text.split()[0] for text in said] == ["Summary", "Transcript"]
    assert len(await requests(bench, ending="/access-token")) == 2  # the failed one and its repeat


async def test_second_token_is_never_asked_for_where_the_first_one_is_known(bench: Bench):
    request = handoff_request()
    await bench.connector().start(request)

    await bench.connector().start(request)

    assert len(await requests(bench, ending="/access-token")) == 1


async def test_organization_header_has_fifteen_characters_and_the_cursor_goes_along(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    await bench.fault("drop_streams")
    await bench.act(session, "say", text="after")
    await listener.wait_for(LiveAgentMessage)

    streams = [
        {k.lower(): v for k, v in dict(row["headers"]).items()}
        for row in await requests(bench, ending="/eventrouter/v1/sse")
    ]

    assert {headers["x-org-id"] for headers in streams} == {"00D8Y0000012abc"}
    assert all(headers["last-event-id"] for headers in streams)
    assert int(streams[-1]["last-event-id"]) > int(streams[0]["last-event-id"])


async def test_silent_stream_is_replaced(bench: Bench, impatient: Callable[[], None]):
    impatient()
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)

    await bench.fault("stall_streams", seconds=600)
    await bench.act(session, "say", text="Is anybody there?")
    await listener.wait_for(LiveAgentMessage)

    assert listener.texts == ["Is anybody there?"]


@pytest.fixture
def impatient(bench: Bench) -> Callable[[], None]:
    """Give up on a silent stream after half a second."""

    def make() -> None:
        timing = bench.setup.options["timing"]
        bench.setup = replace(bench.setup, options={"timing": replace(timing, idle=0.5)})

    return make


async def test_listening_gives_up_when_salesforce_stays_away(bench: Bench):
    _session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    started = time.monotonic()

    await bench.fault("fail_next", status=503, count=10_000, path_prefix="/eventrouter")
    await bench.fault("drop_streams")
    await until(lambda: listener.error)

    assert isinstance(listener.error, CannotConnectError)
    assert time.monotonic() - started >= bench.setup.options["timing"].reconnect.give_up


async def test_refused_reconnect_shows_no_end_and_loses_nothing(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)

    await bench.fault("fail_next", status=403, count=3, path_suffix="/eventrouter/v1/sse")
    await bench.fault("drop_streams")
    await bench.act(session, "say", text="while refused")
    await listener.wait_for(LiveAgentMessage)
    await bench.act(session, "end")
    await until(lambda: listener.has_returned)

    assert [event.text for event in listener.of(LiveAgentMessage)] == ["while refused"]
    assert isinstance(listener.events[-1], ConversationEnded)
    assert listener.error is None


async def test_last_live_agent_who_just_leaves_ends_the_conversation(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)

    await bench.act(session, "leave")
    await until(lambda: listener.has_returned)

    assert len(listener.of(LiveAgentLeft)) == 1
    assert isinstance(listener.events[-1], ConversationEnded)


async def test_transfer_to_a_queue_waits_for_the_next_live_agent(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)

    await bench.act(session, "transfer", queue="Billing")
    await listener.wait_for(LiveAgentLeft)
    await until(lambda: any(r.operation == "routing_status" for r in bench.records))
    await bench.act(session, "accept", agent_name="Sam Achterberg")
    joined = await listener.wait_for(LiveAgentJoined, 2)

    assert listener.of(TransferStarted)
    assert joined[-1].agent_name == "Sam Achterberg"
    assert listener.of(ConversationEnded) == []


async def test_conference_goes_on_when_the_second_live_agent_leaves(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await bench.act(session, "conference", agent_name="Sam Achterberg")
    await listener.wait_for(LiveAgentJoined, 2)

    await bench.act(session, "leave", agent_name="Sam Achterberg")
    await listener.wait_for(LiveAgentLeft)
    await bench.act(session, "say", text="Only me again", agent_name=AGENT)
    await listener.wait_for(LiveAgentMessage)

    assert listener.of(ConversationEnded) == []
    assert listener.session.state["agents"]


async def test_wait_and_place_in_the_queue_are_told(bench: Bench):
    await bench.desk("POST", "/config", queue_positions=True)

    _session, listener = await bench.started(bench.connector(), accept=False)
    found = await listener.wait_for(QueuePositionChanged, 2)

    assert any(event.estimated_wait_seconds == 95 for event in found)
    assert any(event.position for event in found)


async def test_nobody_there_is_told(bench: Bench):
    await bench.desk("POST", "/config", agents_offline=True)

    session, listener = await bench.started(bench.connector(), accept=False)
    found = await listener.wait_for(NoLiveAgents)

    assert found[0].vendor_conversation_id == session.vendor_conversation_id


IS_NEW = "isNewMessagingSession"


async def sent_messages(bench: Bench) -> list[dict[str, Any]]:
    rows = await bench.desk("GET", "/requests")
    return [row for row in rows if row["path"].endswith("/message")]


async def test_message_in_the_queue_opens_the_next_session_with_the_attributes_of_the_first(
    bench: Bench,
):
    connector = bench.connector()
    session, listener = await bench.started(
        connector,
        accept=False,
        locale="de-CH",
        routing={"attributes": {"Order_Ref": "BL-20931"}},
    )
    tokens = dict(bench.tokens.values)
    await connector.end(session, EndReason.END_USER_LEFT)
    await until(lambda: listener.has_returned)
    bench.tokens.values.update(tokens)
    await bench.desk("POST", "/config", session_prechat=True)

    await connector.send_message(session, outbound("One more thing"))

    bodies = [json.loads(row["body"]) for row in await sent_messages(bench)]
    [opening] = [body for body in bodies if "One more thing" in str(body) and IS_NEW in body]
    assert opening["routingAttributes"]["Order_Ref"] == "BL-20931"
    assert opening["language"] == "de_CH"


async def test_message_after_the_live_agents_end_opens_no_session(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "end")
    await until(lambda: listener.has_returned)
    await bench.desk("POST", "/config", session_prechat=True)

    with pytest.raises(ConversationGoneError):
        await connector.send_message(listener.session, outbound("One more thing"))

    assert (await bench.seen_by_agent(session))["status"] == "ended"


async def test_pages_of_history_are_all_read(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    await listener.stop()
    wanted = [f"line {number}" for number in range(70)]
    for text in wanted:
        await bench.act(session, "say", text=text)

    resumed = bench.listen(bench.connector(), replace(session, cursor="9" * 12))
    await resumed.wait_for(LiveAgentMessage, 70)

    assert resumed.texts == wanted


async def test_what_the_stream_no_longer_replays_is_found_in_the_list(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    await listener.stop()
    await bench.act(session, "say", text="missed")

    resumed = bench.listen(bench.connector(), replace(listener.session, cursor="9" * 12))
    await resumed.wait_for(LiveAgentMessage)

    assert resumed.texts == ["missed"]


async def test_tokens_are_kept_for_as_long_as_they_live_and_dropped_at_the_end(bench: Bench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    [(text, _)] = bench.tokens.values.values()
    token = AccessToken.load(text)

    await connector.end(session, EndReason.END_USER_ENDED)

    assert token.expires_at > time.time() + 3600
    assert token.value not in repr(token)
    assert bench.tokens.values == {}
