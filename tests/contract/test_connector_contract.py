"""The definition of a connector: what every vendor's must do, against its simulator over HTTP."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time

import pytest

from integrations.contract.connector import (
    CheckResult,
    Connector,
    EndReason,
    EndUserIdentity,
    ReceiptKind,
)
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    InvalidAuthError,
    RateLimitedError,
)
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    MessageRead,
    SystemNotice,
)
from integrations.contract.failures import OWN_TROUBLE, answer_word
from integrations.contract.manifest import Capability, Delivery, FieldKind, GeneratedKind
from tests.contract.bench import (
    AGENT,
    WAIT_SECONDS,
    Bench,
    handoff_request,
    outbound,
    until,
    until_seen,
)

ENDED = {"ended"}
PRIVATE = ("private", "Where is it", "BL-20931", "Okafor", "ines@", "u-4711")


async def results(connector: Connector) -> list[CheckResult]:
    return [result async for result in connector.test_connection()]


def supports(bench: Bench, capability: Capability) -> bool:
    return capability in bench.manifest.capabilities


async def test_good_credentials_pass_every_check_in_the_manifests_order(bench: Bench):
    found = await results(bench.connector())

    assert found
    assert all(result.is_ok and result.code == "ok" for result in found), found
    names = [name for name, _ in bench.manifest.check_names]
    assert [r.name for r in found] == [n for n in names if n in {r.name for r in found}]
    assert [one for one in bench.records if one.is_error] == [], "no page counts it as a failure"


async def test_the_connection_test_leaves_nothing_at_the_vendor(bench: Bench):
    await results(bench.connector())

    assert await bench.desk("GET", "/conversations") in ([], {"conversations": []})


async def test_bad_key_is_invalid_auth_and_the_right_one_then_works(bench: Bench):
    request = handoff_request()
    with pytest.raises(InvalidAuthError):
        await bench.connector(**bench.setup.bad_key).start(request)
    failed = [r for r in await results(bench.connector(**bench.setup.bad_key)) if not r.is_ok]

    session = await bench.connector().start(request)

    assert answer_word(failed[0].code) not in ("ok", "skipped", OWN_TROUBLE)
    assert bench.manifest.help_for(failed[0].name, failed[0].code)
    assert all(result.code == "skipped" for result in failed[1:])
    assert session.vendor_conversation_id


async def test_dead_host_is_cannot_connect_and_a_living_one_then_works(
    bench: Bench, unused_tcp_port: int
):
    dead = {bench.setup.address_field: f"http://127.0.0.1:{unused_tcp_port}"}
    request = handoff_request()
    with pytest.raises(CannotConnectError):
        await bench.connector(**dead).start(request)
    first, *others = await results(bench.connector(**dead))

    session = await bench.connector().start(request)

    assert not first.is_ok
    assert {result.code for result in others} <= {"skipped"}
    assert session.vendor_conversation_id


@pytest.mark.parametrize(
    ("status", "kind"),
    [(503, CannotConnectError), (500, CannotConnectError), (429, RateLimitedError)],
)
async def test_passing_trouble_is_an_error_worth_a_retry_and_the_retry_arrives_once(
    bench: Bench, status: int, kind: type[ConnectorError]
):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    await listener.stop()  # its own requests must not use up the fault
    message = outbound("Once, and not lost")
    await bench.fault("fail_next", status=status, count=1, path_prefix="")

    with pytest.raises(kind) as caught:
        await connector.send_message(session, message)
    await connector.send_message(session, message)

    assert caught.value.retryable
    assert (await bench.said_by(session, "end_user")).count("Once, and not lost") == 1


async def test_start_passes_on_the_transcript_and_the_context(bench: Bench):
    session, _ = await bench.started(
        bench.connector(), routing={"attributes": {"Order_Ref": "BL-20931"}}, accept=False
    )

    row = await bench.seen_by_agent(session)

    if supports(bench, Capability.TRANSCRIPT):
        said = "\n".join(message["text"] for message in row["messages"])
        assert "Where is it?" in said
        assert "Let me see." in said
        assert said.index("Where is it?") < said.index("Let me see.")
    assert row["attributes"]["Order_Ref"] == "BL-20931"
    assert "cv_ines" in row["attributes"].values()


async def test_each_kind_of_rich_content_leaves_the_desk_readable(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)

    for kind in await bench.desk("GET", "/rich"):
        await bench.act(session, "rich", kind=kind)
        seen = await bench.seen_by_agent(session)
        assert seen["messages"], kind


async def test_start_repeated_after_a_crash_opens_one_conversation(bench: Bench):
    request = handoff_request()
    first = await bench.connector().start(request)

    second = await bench.connector().start(request)

    assert second.vendor_conversation_id == first.vendor_conversation_id
    answer = await bench.desk("GET", "/conversations")
    rows = answer if isinstance(answer, list) else answer["conversations"]
    assert len(rows) == 1
    texts = [message["text"] for message in rows[0]["messages"]]
    assert len(texts) == len(set(texts))


async def test_messages_arrive_in_order_and_one_sent_twice_arrives_once(bench: Bench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    first, second = outbound("first"), outbound("second")

    for message in (first, first, second):
        session = await connector.send_message(session, message)

    said = await bench.said_by(session, "end_user")
    if supports(bench, Capability.IDEMPOTENT_SEND):
        assert said[-2:] == ["first", "second"]
        assert said.count("first") == 1
    assert said.index("first") < said.index("second")


async def test_live_agent_joins_by_name_and_replies_in_order(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)

    for text in ("Hello", "How can I help?", "Grüße \U0001f44b"):
        await bench.act(session, "say", text=text)
    found = await listener.wait_for(LiveAgentMessage, 3)

    [joined] = await listener.wait_for(LiveAgentJoined)
    assert joined.agent_name == AGENT
    assert [event.text for event in found] == ["Hello", "How can I help?", "Grüße \U0001f44b"]
    assert {event.agent_id for event in found} == {joined.agent_id}
    assert {e.vendor_conversation_id for e in found} == {session.vendor_conversation_id}


async def test_own_messages_are_never_shown_as_the_live_agents(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)

    await connector.send_message(session, outbound("Echo?"))
    await bench.act(session, "say", text="No echo")
    await listener.wait_for(LiveAgentMessage)

    shown = [e.text for e in listener.events if isinstance(e, LiveAgentMessage | SystemNotice)]
    assert listener.texts == ["No echo"]
    assert not [text for text in shown if "Echo?" in text or "Where is it?" in text]


async def test_who_is_away_is_shown_as_away_until_they_are_back(bench: Bench):
    if not supports(bench, Capability.PRESENCE_OUT):
        return
    connector = bench.connector()
    session, _ = await bench.started(connector)

    session = await connector.send_presence(session, is_away=True)
    await until_seen(bench, session, lambda row: row.get("is_away"))
    await connector.send_presence(session, is_away=False)
    await until_seen(bench, session, lambda row: not row.get("is_away"))


async def test_typing_goes_both_ways(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)

    if supports(bench, Capability.TYPING_OUT):
        session = await connector.send_typing(session, is_typing=True)
        await until_seen(bench, session, lambda row: row.get("is_typing"))
        await connector.send_typing(session, is_typing=False)
        await until_seen(bench, session, lambda row: not row.get("is_typing"))
    if supports(bench, Capability.TYPING_IN):
        await bench.act(session, "type", is_typing=True)
        [began] = await listener.wait_for(LiveAgentTyping)
        assert began.is_typing
        if began.seconds is None:  # else the relay takes it back
            await bench.act(session, "type", is_typing=False)
            assert not (await listener.wait_for(LiveAgentTyping, 2))[-1].is_typing


async def test_receipts_go_both_ways(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    message = outbound("Read me")
    await connector.send_message(session, message)
    await bench.act(session, "say", text="Read me too")
    [reply] = await listener.wait_for(LiveAgentMessage)

    if supports(bench, Capability.READ_RECEIPT_IN):
        await bench.act(session, "read")
        assert (await listener.wait_for(MessageRead))[-1].vendor_message_id == message.message_id
    if supports(bench, Capability.READ_RECEIPT_OUT):
        await connector.send_receipt(session, reply.vendor_event_id, ReceiptKind.DELIVERED)
        await connector.send_receipt(session, reply.vendor_event_id, ReceiptKind.READ)
        row = await bench.seen_by_agent(session)
        assert [m["read"] for m in row["messages"] if m["text"] == "Read me too"] == [True]


async def test_file_of_the_live_agent_reaches_the_end_user_as_a_link_at_least(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)

    await bench.act(
        session, "file", name="label.txt", mime_type="text/plain", content_base64="aGVsbG8="
    )

    if supports(bench, Capability.ATTACHMENT_IN):
        [file] = await listener.wait_for_files()
        assert (file.file_name, file.mime_type) == ("label.txt", "text/plain")
        assert await connector.fetch_attachment(listener.session, file.url) == b"hello"
    else:
        [event] = await listener.wait_for(LiveAgentMessage)
        assert "label.txt" in event.text
        assert "http" in event.text


async def test_transfer_brings_another_live_agent_and_ends_nothing(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="I hand you over")
    # Some vendors are asked who has joined, and answer with whoever has it by then.
    await listener.wait_for(LiveAgentMessage)

    await bench.act(session, "transfer", agent_name="Sam Achterberg")
    joined = await listener.wait_for(LiveAgentJoined, 2)
    await bench.act(session, "say", text="Sam here")
    await listener.wait_for(LiveAgentMessage, 2)

    assert joined[-1].agent_name == "Sam Achterberg"
    assert len(listener.of(LiveAgentLeft)) == 1
    assert listener.of(ConversationEnded) == []
    assert not listener.has_returned


async def test_a_message_that_could_not_be_noted_as_sent_arrives_once(bench: Bench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    message = outbound("Once")

    session = await connector.send_message(session, message)
    await connector.send_message(session, message)

    assert (await bench.said_by(session, "end_user")).count("Once") == 1


async def test_live_agent_ends_and_listening_returns(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Goodbye")

    await bench.act(session, "end")
    await until(lambda: listener.has_returned)

    assert listener.texts == ["Goodbye"]
    # A repeat of what was said before may still follow the end.
    last = list(dict.fromkeys(event.vendor_event_id for event in listener.events))[-1]
    assert [event.vendor_event_id for event in listener.of(ConversationEnded)] == [last]


@pytest.mark.parametrize("accept", [True, False])
async def test_end_user_ends_and_ending_twice_is_no_error(bench: Bench, accept: bool):
    connector = bench.connector()
    session, listener = await bench.started(connector, accept=accept)

    await connector.end(session, EndReason.END_USER_ENDED)
    await connector.end(session, EndReason.END_USER_ENDED)
    await bench.connector().end(session, EndReason.END_USER_ENDED)

    assert (await bench.seen_by_agent(session))["status"] in ENDED
    await until(lambda: listener.has_returned or listener.error)


async def test_ending_what_the_live_agent_has_ended_is_no_error(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "end")
    await until(lambda: listener.has_returned)

    await connector.end(listener.session, EndReason.END_USER_LEFT)

    assert (await bench.seen_by_agent(session))["status"] in ENDED


async def test_stream_that_drops_loses_and_doubles_nothing(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="before")
    await listener.wait_for(LiveAgentMessage)

    await bench.fault("drop_streams")
    await bench.act(session, "say", text="during")
    await bench.fault("drop_streams")
    await bench.act(session, "say", text="after")
    await listener.wait_for(LiveAgentMessage, 3)

    assert listener.texts == ["before", "during", "after"]


async def test_another_worker_resumes_from_the_stored_session(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await bench.act(session, "say", text="one")
    await listener.wait_for(LiveAgentMessage)
    await listener.stop()
    for text in ("two", "three"):
        await bench.act(session, "say", text=text)

    other = bench.connector()
    resumed = bench.listen(other, listener.session)
    await bench.act(session, "say", text="four")
    await until(lambda: "four" in resumed.texts)
    await other.send_message(resumed.session, outbound("Still here"))

    assert [text for text in resumed.texts if text != "one"] == ["two", "three", "four"]
    assert (await bench.said_by(session, "end_user"))[-1] == "Still here"


async def test_a_worker_that_died_before_storing_anything_repeats_rather_than_loses(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await bench.act(session, "say", text="one")
    await listener.wait_for(LiveAgentMessage)
    await listener.stop()

    resumed = bench.listen(bench.connector(), session)
    await resumed.wait_for(LiveAgentMessage)

    assert resumed.texts == ["one"]
    first, again = listener.of(LiveAgentMessage)[0], resumed.of(LiveAgentMessage)[0]
    assert first.vendor_event_id == again.vendor_event_id


async def test_repeated_and_swapped_events_survive(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    await bench.fault("duplicate_next")
    await bench.act(session, "say", text="twice")
    await listener.wait_for(LiveAgentMessage)

    await bench.fault("swap_next_two")
    await bench.act(session, "say", text="a")
    next_tick = time.time() + 0.005
    await until(lambda: time.time() > next_tick)  # vendors stamp in milliseconds
    await bench.act(session, "say", text="b")
    found = await listener.wait_for(LiveAgentMessage, 3)

    assert sorted(listener.texts) == ["a", "b", "twice"]
    in_time = sorted(found, key=lambda event: event.occurred_at)
    assert [event.text for event in in_time] == ["twice", "a", "b"]


async def test_what_was_said_long_ago_and_comes_again_shows_nothing_twice(bench: Bench):
    session, listener = await bench.started(bench.connector())
    for text in ("one", "two", "three"):
        await bench.act(session, "say", text=text)
    await listener.wait_for(LiveAgentMessage, 3)

    await bench.fault("replay_oldest", count=2)
    await bench.act(session, "say", text="last")
    await until(lambda: "last" in listener.texts)

    assert listener.texts == ["one", "two", "three", "last"]
    assert listener.error is None


async def test_what_no_contract_mentions_is_passed_over(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)

    for kind in bench.setup.unknown_faults:
        await bench.fault(kind)
    await bench.act(session, "say", text="still here")
    await until(lambda: "still here" in listener.texts)

    assert listener.error is None
    assert not listener.has_returned


async def test_what_nothing_can_keep_is_cleaned_and_what_follows_arrives(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)

    await bench.act(session, "say", text="Your code\x00 is 7\ud83d.")
    await bench.act(session, "say", text="Anything else?")
    await until(lambda: "Anything else?" in listener.texts or listener.error)

    assert listener.error is None
    assert listener.texts == ["Your code is 7?.", "Anything else?"]


async def test_listening_may_be_cancelled_and_taken_up_again(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    for text in ("one", "two", "three"):
        await bench.act(session, "say", text=text)
        await listener.wait_for(LiveAgentMessage)
        await listener.stop()
        listener = bench.listen(connector, listener.session)

    await bench.act(session, "say", text="last")
    await until(lambda: "last" in listener.texts)

    assert listener.error is None


async def test_who_can_be_asked_says_when_nobody_is_there(bench: Bench):
    assert bool(bench.manifest.availability) is supports(bench, Capability.AVAILABILITY)
    if not supports(bench, Capability.AVAILABILITY):
        return
    connector = bench.connector()
    # Some learn from a handoff which queue to ask about.
    await bench.started(connector, accept=False)
    await bench.fault("agents_offline", is_offline=True)

    async with asyncio.timeout(WAIT_SECONDS):
        while (await connector.check_availability(handoff_request())).is_available is not False:
            await asyncio.sleep(0.05)


def test_capability_is_declared_if_and_only_if_its_method_is_written(bench: Bench):
    methods = {
        "send_typing": {Capability.TYPING_OUT},
        "send_presence": {Capability.PRESENCE_OUT},
        "send_receipt": {Capability.READ_RECEIPT_OUT, Capability.FAILED_RECEIPT_OUT},
        "check_availability": {Capability.AVAILABILITY},
        "send_attachment": {Capability.ATTACHMENT_OUT},
        "fetch_attachment": {Capability.ATTACHMENT_IN},
    }
    kind = type(bench.connector())

    for name, capabilities in methods.items():
        is_written = getattr(kind, name) is not getattr(Connector, name)
        assert is_written == bool(capabilities & bench.manifest.capabilities), name
    is_called_back = bench.manifest.delivery is Delivery.WEBHOOK
    # Who is called back may listen as well, to what its webhooks do not tell.
    has_listen = kind.listen is not Connector.listen
    assert has_listen or is_called_back
    assert inspect.isasyncgenfunction(kind.listen) == has_listen
    for name in ("parse_webhook", "receive"):
        written = inspect.getattr_static(kind, name) is not inspect.getattr_static(Connector, name)
        assert written == is_called_back, name


def test_manifest_explains_itself(bench: Bench):
    manifest = bench.manifest
    fields = {field.name for field in manifest.fields}

    assert len(fields) == len(manifest.fields)
    for field in manifest.fields:
        assert field.label
        assert field.help_text.endswith(".")
        is_one_of_them = field.kind is FieldKind.CHOICE
        assert not is_one_of_them or field.default in dict(field.choices)
    for value in manifest.generated:
        assert value.help_text.endswith(".")
    for help_ in (help_ for causes in manifest.symptoms.values() for help_ in causes):
        assert help_.cause.endswith(".")
        assert help_.cure.endswith(".")
    checks = {name for name, _ in manifest.check_names}
    for check, _ in manifest.error_help:
        assert check in checks
    for written in (*manifest.prerequisites, *manifest.vendor_steps):
        assert written.endswith(".")


async def test_no_secret_and_no_words_in_any_record_log_or_repr(
    bench: Bench, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    connector = bench.connector()
    person = EndUserIdentity(external_id="u-4711", name="Ines Okafor", email="ines@example.org")
    session, listener = await bench.started(
        connector, end_user=person, routing={"attributes": {"Order_Ref": "BL-20931"}}
    )
    session = await connector.send_message(session, outbound("My private words"))
    await bench.act(session, "say", text="Your private answer")
    await listener.wait_for(LiveAgentMessage)
    await listener.stop()
    # More than one: a confirmation of what was said may still be on its way.
    await bench.fault("fail_next", status=400, count=9, path_prefix="")
    with pytest.raises(ConnectorError) as caught:
        await connector.send_message(session, outbound("My private words"))
    await bench.fault("clear")
    await connector.end(session, EndReason.END_USER_ENDED)

    written = "\n".join(
        [
            caplog.text,
            repr(connector),
            repr(listener.session),
            repr(listener.events),
            repr(caught.value),
            repr(bench.records),
        ]
    )
    tokens = [value for value, _ in bench.tokens.values.values()]
    headers = [r["headers"] for r in await requests(bench)]
    bearers = {h.get("authorization", "")[7:] for h in headers} - {""}
    for hidden in (*PRIVATE, *tokens, *secrets_of(bench)):
        assert hidden not in written, hidden
    for bearer in bearers:
        assert bearer not in written


def secrets_of(bench: Bench) -> list[str]:
    """Return what an admin entered, or was given, that nobody may see."""
    entered = [one.name for one in bench.manifest.fields if one.kind.is_secret]
    given = [one.name for one in bench.manifest.generated if one.kind is GeneratedKind.SECRET]
    credentials = bench.setup.credentials(bench.url)
    return [credentials[name] for name in (*entered, *given) if credentials.get(name)]


async def requests(bench: Bench) -> list[dict]:
    answer = await bench.desk("GET", "/requests")
    rows = answer if isinstance(answer, list) else answer["requests"]
    return [
        {**row, "headers": {k.lower(): v for k, v in dict(row["headers"]).items()}} for row in rows
    ]
