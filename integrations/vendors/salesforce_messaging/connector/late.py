"""Which messages came too late for the live agent: those behind the end in Salesforce's entries."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.contract.connector import VendorSession
from integrations.contract.events import ConversationEnded, LiveAgentLeft, MessageEchoed
from integrations.vendors.salesforce_messaging.client import SalesforceMessagingClient
from integrations.vendors.salesforce_messaging.client.api import PAGE_SIZE
from integrations.vendors.salesforce_messaging.client.auth import AccessToken
from integrations.vendors.salesforce_messaging.mapping.entry import Entry, entry_from_json
from integrations.vendors.salesforce_messaging.mapping.events import events_of
from integrations.vendors.salesforce_messaging.mapping.text import as_number

_MAX_PAGES = 40
_LOOK_BACK_MS = 60_000


def last_minute(session: VendorSession) -> int:
    """Return the time, on Salesforce's clock, from which on the end must be among the entries."""
    return max((as_number(session.state.get("seen")) or 0) - _LOOK_BACK_MS, 0)


async def entries_since(
    client: SalesforceMessagingClient, token: AccessToken, conversation_id: str, start: int
) -> list[Entry]:
    """List entries from a time on, in the order in which Salesforce has them."""
    found: dict[str, Entry] = {}
    for _ in range(_MAX_PAGES):
        page = await client.list_entries(token, conversation_id, start_timestamp=start)
        read = (entry_from_json(item, conversation_id=conversation_id) for item in page)
        entries = [entry for entry in read if entry is not None]
        found |= {entry.identifier: entry for entry in entries}
        if len(page) < PAGE_SIZE or not entries:
            break
        start = max(entries[-1].milliseconds, start + 1)
    return sorted(found.values(), key=lambda entry: entry.milliseconds)


def said_after_end(entries: Sequence[Entry]) -> frozenset[str]:
    """Return the ids of the end user's messages behind the first end; without one, behind the
    last live agent's leaving, from which we have concluded it."""
    events = [event for entry in entries for event in events_of(entry)]
    ends = [n for n, event in enumerate(events) if isinstance(event, ConversationEnded)]
    left = [n for n, event in enumerate(events) if isinstance(event, LiveAgentLeft)]
    if not (ends or left):
        return frozenset()
    behind = events[ends[0] if ends else left[-1] :]
    return frozenset(
        event.vendor_message_id for event in behind if isinstance(event, MessageEchoed)
    )
