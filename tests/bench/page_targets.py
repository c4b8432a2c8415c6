"""The pages that are measured, and what each may cost; a new page is one row."""

from __future__ import annotations

from typing import NamedTuple


class PageTarget(NamedTuple):
    """An address, without one a tick of the live console, and how much it may take."""

    path: str
    statements: int
    milliseconds: int


_P = "/p/{project}/"
PAGES = {
    "Home": PageTarget(_P, 10, 60),
    "Live": PageTarget(f"{_P}live/", 7, 90),
    "Live, a tick": PageTarget("", 2, 15),
    "Conversations": PageTarget(f"{_P}conversations/", 8, 80),
    "Conversations, text": PageTarget(f"{_P}conversations/?q=parcel+refund+zebr", 8, 140),
    "Conversations, nothing found": PageTarget(f"{_P}conversations/?q=absent", 8, 140),
    "Conversation, 200 lines": PageTarget(_P + "conversations/{conversation}/", 11, 110),
    "Handoffs": PageTarget(f"{_P}handoffs/", 7, 80),
    "Handoffs, failed": PageTarget(f"{_P}handoffs/?state=failed", 7, 80),
    "Handoffs, text": PageTarget(f"{_P}handoffs/?q=parcel+zebr", 8, 140),
    "Timeline, 300 moments": PageTarget(_P + "handoffs/{handoff}/", 12, 130),
    # Calls, handoffs, deliveries, streams and events are a table each, besides the frame.
    "Health, 24 hours": PageTarget(
        f"{_P}integrations/sandbox/salesforce_messaging/health/", 10, 80
    ),
    "Environments": PageTarget(f"{_P}environments/", 9, 90),
    "Members": PageTarget(f"{_P}settings/members/", 7, 60),
    "Audit": PageTarget(f"{_P}settings/audit/", 7, 80),
    "Analytics, 30 days": PageTarget(f"{_P}analytics/?period=30d&environment=sandbox", 8, 70),
    "Analytics, 365 days": PageTarget(f"{_P}analytics/?period=365d&environment=sandbox", 8, 145),
    **{
        f"Analytics, {tab}, {days} days": PageTarget(
            f"{_P}analytics/{tab}/?period={days}d&environment=sandbox", 8, milliseconds
        )
        for tab in ("waiting", "why", "quality", "failures")
        for days, milliseconds in ((30, 70), (365, 145))
    },
    "Admin list": PageTarget("/{admin}/handoffs/handoff/", 8, 120),
}
