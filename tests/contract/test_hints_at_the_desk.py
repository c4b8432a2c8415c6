"""What a payload's hints say of the conversation and of the end user reaches the vendor's desk."""

from __future__ import annotations

import json

from tests.contract.bench import Bench, until_seen

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
}


def words(value: object) -> list[str]:
    """Return what must be readable of a hint; vendors keep the two halves of a name apart."""
    if isinstance(value, dict):
        return [str(one) for one in value.values()]
    return [str(one) for one in value] if isinstance(value, list) else str(value).split(" ")


async def test_every_hint_of_all_integrations_is_seen_by_the_live_agent(bench: Bench):
    session, _ = await bench.started(bench.connector(), routing=HINTS, accept=False)
    row = await until_seen(bench, session, lambda row: "Summary-1234" in json.dumps(row))
    # Zendesk's tags are in small letters.
    desk = json.dumps(row, ensure_ascii=False).casefold()

    missing = [
        name
        for name, value in HINTS.items()
        if not all(word.casefold() in desk for word in words(value))
    ]
    assert missing == []
