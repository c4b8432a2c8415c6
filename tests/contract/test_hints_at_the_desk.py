"""What a payload's hints say of the conversation and of the end user reaches the vendor's desk."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from integrations.contract.connector import TranscriptLine
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
