"""What only a channel of one's own does: tokens, one topic for all, replay, routing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from integrations.contract.connector import EndReason, EndUserIdentity, OutboundMessage
from integrations.contract.errors import InvalidRoutingError, MissingPermissionError
from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentMessage,
    MessageFailed,
    NoLiveAgents,
    QueuePositionChanged,
    TransferStarted,
)
from integrations.contract.rich_content import Answer
from integrations.vendors.salesforce_byoc.connector import SalesforceByocConnector
from tests.contract.bench import Bench, handoff_request, outbound, running_bench, until
from tests.vendors.salesforce_byoc.contract_setup import BY_SECRET


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("salesforce_byoc") as bench:
        yield bench


async def calls(bench: Bench, ending: str) -> list[dict]:
    return [row for row in await bench.desk("GET", "/requests") if row["path"].endswith(ending)]


async def checks(bench: Bench, **credentials: str) -> dict[str, str]:
    found = bench.connector(**credentials).test_connection()
    return {result.name: result.code async for result in found}


async def test_client_credentials_work_as_the_signed_jwt_does(bench: Bench):
    session, listener = await bench.started(bench.connector(**BY_SECRET))
    await bench.act(session, "say", text="Hello")

    await listener.wait_for(LiveAgentMessage)

    assert set((await checks(bench, **BY_SECRET)).values()) == {"ok"}
    assert (await checks(bench, **{**BY_SECRET, "consumer_secret": "x"}))["token"] == "invalid_auth"


async def test_each_wrong_value_fails_the_check_that_names_it(bench: Bench):
    assert (await checks(bench, org_id="00D8Y0000099999"))["organization"] == "invalid_routing"
    assert (await checks(bench, channel_address_identifier="x'y"))["channel"] == "invalid_routing"
    assert (await checks(bench, authorization_context="Other"))["interaction"] == "invalid_routing"
    assert (await checks(bench, event_topic="/event/Other__e"))["events"] == "invalid_routing"


@pytest.mark.parametrize(
    ("switch", "check", "code"),
    [
        ({"is_user_approved": False}, "token", "missing_permission"),
        ({"has_interaction_scope": False}, "interaction", "missing_permission"),
        ({"is_product_enabled": False}, "interaction", "licence"),
    ],
)
async def test_what_is_not_set_up_in_salesforce_is_named_with_a_cure(
    bench: Bench, switch: dict, check: str, code: str
):
    await bench.desk("POST", "/config", **switch)

    assert (await checks(bench))[check] == code
    assert bench.manifest.help_for(check, code)


async def test_an_app_that_is_not_approved_for_the_user_is_said_so_when_a_handoff_starts(
    bench: Bench,
):
    await bench.desk("POST", "/config", is_user_approved=False)

    with pytest.raises(MissingPermissionError) as caught:
        await bench.connector().start(handoff_request())

    help_ = bench.manifest.help_for("token", "missing_permission")
    assert caught.value.field == "integration_user"
    assert help_ and help_.cause == "The app is not approved for this user."


async def test_many_conversations_share_one_client_of_the_topic(bench: Bench):
    connector = bench.connector()
    pairs = [await bench.started(connector) for _ in range(3)]

    for number, (session, _) in enumerate(pairs):
        await bench.act(session, "say", text=f"line {number}")
    for number, (_, listener) in enumerate(pairs):
        await listener.wait_for(LiveAgentMessage)
        assert listener.texts == [f"line {number}"]

    shaken = [row for row in await calls(bench, "/cometd/60.0") if "handshake" in row["body"]]
    assert len(shaken) == 1


async def test_who_needs_an_older_place_brings_the_topic_back_and_doubles_nothing(bench: Bench):
    first, begun = await bench.started(bench.connector())
    await begun.wait_for(LiveAgentJoined)
    await begun.stop()
    other = bench.connector()
    second, listener = await bench.started(other)
    await bench.act(first, "say", text="missed")
    await bench.act(second, "say", text="heard")
    await listener.wait_for(LiveAgentMessage)

    resumed = bench.listen(other, begun.session)
    await resumed.wait_for(LiveAgentMessage)
    await bench.act(second, "say", text="more")
    await listener.wait_for(LiveAgentMessage, 2)

    assert resumed.texts == ["missed"]
    assert [e.text for e in listener.events if isinstance(e, LiveAgentMessage)] == ["heard", "more"]


async def test_a_token_that_expires_in_the_middle_of_a_poll_is_renewed(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)

    await bench.fault("expire_tokens")
    await bench.act(session, "say", text="meanwhile")
    await listener.wait_for(LiveAgentMessage)
    await connector.send_message(session, outbound("Still here"))

    assert listener.texts == ["meanwhile"]
    assert "Still here" in await bench.said_by(session, "end_user")


async def test_a_server_that_has_forgotten_us_is_greeted_again(bench: Bench):
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)

    await bench.fault("forget_clients")
    await bench.act(session, "say", text="again")
    await listener.wait_for(LiveAgentMessage)

    assert listener.texts == ["again"]


async def test_events_in_the_flat_shape_are_heard_as_well(bench: Bench):
    await bench.desk("POST", "/config", flat_events=True)
    session, listener = await bench.started(bench.connector())

    await bench.act(session, "say", text="flat")
    await listener.wait_for(LiveAgentMessage)
    await bench.act(session, "end")
    await until(lambda: listener.has_returned)

    assert listener.texts == ["flat"]
    assert len(listener.of(ConversationEnded)) == 1


async def test_where_the_partner_routes_a_queue_is_asked_for_and_transfers_are_answered(
    bench: Bench,
):
    await bench.desk("POST", "/config", routing_owner="Partner")
    connector = bench.connector(routing_queue_id="00G8Y000000TeSt")
    session, listener = await bench.started(connector)
    await bench.act(session, "transfer", agent_name="Sam Achterberg")

    joined = await listener.wait_for(LiveAgentJoined, 2)

    assert len(await calls(bench, "/api/v1/route")) == 1
    assert len(await calls(bench, "/api/v1/agentWork")) == 1
    assert joined[-1].agent_id != joined[0].agent_id
    await bench.act(session, "transfer", queue="Parcels")
    await listener.wait_for(TransferStarted)
    assert len(await calls(bench, "/api/v1/route")) == 2


async def test_a_queue_where_salesforce_routes_is_refused_by_its_name(bench: Bench):
    with pytest.raises(InvalidRoutingError):
        await bench.connector().start(handoff_request(routing={"queue_id": "00G8Y000000TeSt"}))


async def test_waiting_and_nobody_there_are_told(bench: Bench):
    session, listener = await bench.started(bench.connector(), accept=False)
    await bench.act(session, "place", position=2)
    found = await listener.wait_for(QueuePositionChanged, 2)
    await bench.desk("POST", "/config", agents_offline=True)
    _, nobody = await bench.started(bench.connector(), accept=False)

    [refused] = await nobody.wait_for(NoLiveAgents)

    assert (found[0].estimated_wait_seconds, found[1].position) == (95, 2)
    assert refused.detail == "No agent is available"


async def test_silence_and_late_failures_are_told_as_what_they_are(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    message = outbound("Lost")
    await connector.send_message(session, message)

    await bench.act(session, "fail")
    await bench.act(session, "idle")
    [failed] = await listener.wait_for(MessageFailed)
    await listener.wait_for(IdleWarning)
    await bench.act(session, "idle", is_over=True)
    await until(lambda: listener.has_returned)

    assert failed.vendor_message_id == message.message_id
    assert listener.of(ConversationEnded)[-1].cause == "vendor_idle"


async def test_an_offer_is_answered_with_the_option_that_was_taken(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    for kind in ("choices", "cards", "slots", "form"):
        await bench.act(session, "rich", kind=kind)
    offers = await listener.wait_for(LiveAgentMessage, 4)

    for offer in offers:
        form = offer.rich.form
        choice = next(iter((*offer.rich.every_choice, *offer.rich.slots)), form)
        values = {"street": "Elm 1", "when": form.fields[2].options[0].token} if form else {}
        answer = Answer(
            vendor_message_id=offer.vendor_message_id,
            token=choice.token,
            label="Taken",
            values=values,
        )
        sent = OutboundMessage(
            message_id=outbound("").message_id,
            text="Taken",
            sent_at=offer.occurred_at,
            answer=answer,
        )
        await connector.send_message(session, sent)

    row = await bench.seen_by_agent(session)
    taken = [m["answer"] for m in row["messages"] if m.get("answer")]
    assert [one["identifiers"] for one in taken[:3]] == [["yes"], ["home"], ["slot-1"]]
    assert list(taken[3]["values"]) == ["street", "when"]


async def test_what_the_portal_can_draw_is_registered_when_it_is_connected(bench: Bench):
    await bench.connector().on_connected({})

    kept = (await bench.desk("GET", "/config"))["capabilities"]
    assert kept["channelCapabilities"][0]["channelType"] == "custom"


async def test_attributes_reach_the_session_only_where_they_are_declared(bench: Bench):
    await bench.desk("POST", "/config", custom_parameters={"Order_Ref": "Order_Ref__c"})
    ines = EndUserIdentity(external_id="u-1", is_verified=True, name="Ines Okafor")

    session = await bench.connector().start(
        handoff_request(end_user=ines, routing={"attributes": {"Order_Ref": "BL-1", "b": "2"}})
    )

    row = await bench.seen_by_agent(session)
    assert row["session_fields"] == {"Order_Ref__c": "BL-1"}
    assert row["attributes"]["Chat_Consumer_Type"] == "authenticated"
    await bench.connector().end(session, EndReason.CANCELLED)


def test_what_an_admin_pastes_is_brought_into_form_and_judged_by_the_chosen_flow():
    kept, notices = SalesforceByocConnector.normalise(
        {
            "org_id": "00D8Y0000012abcUAA",
            "instance_url": "https://birchline.my.salesforce.com/lightning",
            "scrt_url": "https://birchline.my.salesforce.com",
        }
    )

    assert kept["org_id"] == "00D8Y0000012abc"
    assert kept["instance_url"] == "https://birchline.my.salesforce.com"
    assert kept["scrt_url"] == "https://birchline.my.salesforce-scrt.com"
    assert len(notices) == 3
    by_jwt = SalesforceByocConnector.clean_credentials({"private_key": "x"})
    by_secret = SalesforceByocConnector.clean_credentials(BY_SECRET)
    misspelt = {"scrt_url": "https://birchline.my.salesforce-srct.com", **BY_SECRET}
    assert set(by_jwt) == {"private_key", "integration_user"}
    assert by_secret == {}
    assert "salesforce-scrt" in SalesforceByocConnector.clean_credentials(misspelt)["scrt_url"]
