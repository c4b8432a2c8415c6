"""What a payload's hints say of the conversation and of the end user reaches the vendor's desk."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from handoffs.relay.screen_pop.facts import attributes_of
from integrations.contract.connector import EndUserIdentity, TranscriptLine
from integrations.contract.events import LiveAgentMessage, SystemNotice
from tests.contract.bench import Bench, until_seen

# What takes a megabyte of transcript.
ROOMY = ("custom", "salesforce_byoc")
LINK = "https://baton.example/transcripts/signed"
HINTS: dict[str, object] = {
    "queue": "Billing-Q",
    "skills": ["skill-a1", "skill-b2"],
    "department": "Dept-4711",
    "priority": "urgent",
    "language": "pt-BR",
    "subject": "Subject-0815",
    "user_display_name": "Ines Okafor",
    "user_email": "ines@shop.example",
    "user_phone": "+14155550123",
    "user_external_id": "shop-user-99",
    "attributes": {"tier": "gold-tier"},
    "reason": "reason-77",
    "summary": "Summary-1234 of it all",
    "note": "Note-5678",
}


def words(value: object) -> list[str]:
    """Return what must be readable of a hint; vendors keep the two halves of a name apart."""
    if isinstance(value, dict):
        return [str(one) for one in value.values()]
    return [str(one) for one in value] if isinstance(value, list) else str(value).split(" ")


async def test_every_hint_of_all_integrations_is_seen_by_the_live_agent(bench: Bench):
    session, listener = await bench.started(bench.connector(), routing=HINTS, accept=False)
    row = await until_seen(bench, session, lambda row: "Summary-1234" in json.dumps(row))
    # Zendesk's tags are in small letters.
    desk = json.dumps(row, ensure_ascii=False).casefold()

    missing = [
        name
        for name, value in HINTS.items()
        if not all(word.casefold() in desk for word in words(value))
    ]
    assert missing == []
    assert bench.manifest.private_note
    told = [*listener.of(LiveAgentMessage), *listener.of_bots(), *listener.of(SystemNotice)]
    assert "Note-5678" not in str(told)


NAMED = {"name": "Vera Verified", "email": "vera@own.example", "phone": "+14155550199"}


@pytest.mark.parametrize("is_verified", [True, False])
async def test_who_the_customer_vouches_for_is_seen_before_a_tools_word_and_a_claim_never_is(
    bench: Bench, is_verified: bool
):
    user = EndUserIdentity(external_id="own-4711", is_verified=is_verified, **NAMED)
    hints = {name: HINTS[name] for name in HINTS if name.startswith("user_")}

    session, _ = await bench.started(
        bench.connector(), end_user=user, routing={**hints, "note": "Note-5678"}, accept=False
    )

    row = await until_seen(bench, session, lambda row: "Note-5678" in json.dumps(row))
    desk = json.dumps(row)
    seen = ["Vera", "vera@own.example", "+14155550199", "own-4711"]
    said = ["Ines", "ines@shop.example", "+14155550123", "shop-user-99"]
    # A custom connector gets claims as such, and marks them itself.
    claims = [] if bench.key == "custom" else seen
    assert [one for one in (seen if is_verified else said) if one not in desk] == []
    assert [one for one in ([] if is_verified else claims) if one in desk] == []


async def test_who_texts_is_seen_by_the_number_that_the_carrier_names(bench: Bench):
    texting = EndUserIdentity(external_id="tel:+14155550777", phone="+14155550777")
    routing = {"note": "Note-5678"}

    session, _ = await bench.started(
        bench.connector(), end_user=texting, channel="sms", routing=routing, accept=False
    )

    row = await until_seen(bench, session, lambda row: "Note-5678" in json.dumps(row))
    assert "+14155550777" in json.dumps(row)


async def test_what_the_portal_adds_is_seen_under_the_names_that_an_admin_gave(bench: Bench):
    names = "last_topic = Case_Topic\ntranscript_url = Case_Link\nscope ="
    facts = {"last_topic": "Billing", "transcript_url": LINK, "scope": "live", "language": "pt"}
    mapped = attributes_of(facts, names, only_named=bench.manifest.declares_attributes)

    session, _ = await bench.started(
        bench.connector(), routing={"attributes": mapped, "note": "Note-5678"}, accept=False
    )

    row = await until_seen(bench, session, lambda row: LINK in json.dumps(row))
    desk = json.dumps(row)
    for one in ("Case_Topic", "Billing", "Case_Link"):
        assert one.casefold() in desk.casefold(), one
    assert "va_Scope" not in desk
    assert ("va_Language" in desk) is not bench.manifest.declares_attributes


async def test_a_transcript_that_the_vendor_has_no_room_for_leads_to_a_page_with_all_of_it(
    bench: Bench,
):
    said_at = datetime.now(UTC)
    long = [
        TranscriptLine(speaker="end_user", text=f"{n:04}{'x' * 2000}", sent_at=said_at)
        for n in range(500)
    ]

    session, _ = await bench.started(
        bench.connector(), transcript=long, transcript_url=LINK, accept=False
    )

    row = await until_seen(bench, session, lambda row: "0499x" in json.dumps(row))
    desk = json.dumps(row)
    assert ("0000x" in desk) is (bench.key in ROOMY)
    assert LINK in desk or bench.key in ROOMY
