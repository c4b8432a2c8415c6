"""Each event of Salesforce Live Chat becomes an event of ours."""

from __future__ import annotations

import json
from pathlib import Path

from integrations.contract.events import UnknownEvent
from integrations.vendors.salesforce_live_chat.mapping import event_of

FIXTURES = (
    Path(__file__).resolve().parents[3] / "integrations/vendors/salesforce_live_chat/fixtures"
)


def test_an_event_that_nobody_knows_is_named_and_raises_nothing():
    body = json.loads((FIXTURES / "unknown.json").read_text())

    event = event_of("conversation-1", body)

    assert isinstance(event, UnknownEvent)
    assert (event.vendor_event_id, event.name) == ("ev-1", "something.new")
