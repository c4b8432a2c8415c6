"""Quality: what the AI agent settled by itself, who came back, and what end users thought."""

from __future__ import annotations

from typing import Any

from handoffs.portal.analytics.counting.figure import Figure, share
from handoffs.portal.analytics.counting.numbers import WINDOWS, Quality
from handoffs.portal.analytics.counting.scope import Scope

_WHO = {"known": "Known end users", "visitor": "Anonymous visitors"}
_AFTER = {"ai_agent": "after the AI agent", "live_agent": "after a handoff"}


def quality(scope: Scope, found: Quality) -> list[Figure]:
    """Say how well it went."""
    return [
        _containment(found),
        _settled(found),
        _returns(found),
        _ratings(found, 0, "ratings_ai_agent", "AI agent"),
        _ratings(found, 1, "ratings_live_agent", "Live agent"),
    ]


def _containment(found: Quality) -> Figure:
    return Figure(
        name="containment",
        title=f"{share(found.contained, found.talks)} contained",
        definition="Conversations that are over, in which the end user wrote and the AI agent "
        f"answered: those without any handoff or refused request ({found.contained:,}) ÷ all of "
        f"them ({found.talks:,}). Contained is not solved: look at who came back, and at the "
        "ratings.",
        columns=("Figure", "Conversations"),
        rows=[("Contained", found.contained), ("All", found.talks)],
    )


def _settled(found: Quality) -> Figure:
    return Figure(
        name="settled",
        title=f"{share(found.settled, found.settled_of)} contained, and nobody came back",
        definition="Of those conversations that ended 24 hours ago or longer "
        f"({found.settled_of:,}): contained, and the same end user began no other within 24 hours "
        f"({found.settled:,}).",
        columns=("Figure", "Conversations"),
        rows=[("Contained, nobody came back", found.settled), ("All", found.settled_of)],
    )


def _returns(found: Quality) -> Figure:
    rows: list[tuple[Any, ...]] = []
    for who, label in _WHO.items():
        for after, words in _AFTER.items():
            row: list[Any] = []
            for window in WINDOWS:
                key = (who, after, window)
                part, whole = found.returned[key], found.ended[key]
                row += [part, whole, share(part, whole)]
            rows.append((f"{label}, {words}", *row))
    day = [key for key in found.ended if key[0] == "known" and key[2] == "24h"]
    part, whole = sum(found.returned[key] for key in day), sum(found.ended[key] for key in day)
    return Figure(
        name="returns",
        title=f"{share(part, whole)} of known end users came back within 24 hours",
        definition="Conversations after which the same end user began another within the time ÷ "
        "conversations that ended so long ago that the time is over. Known: by a verified id, or "
        "by the telephone number of text messages. Anonymous visitors stand apart: one who clears "
        "the browser is a new one.",
        columns=(
            "Who",
            *(part for name in WINDOWS for part in (f"Within {name}", f"Of, {name}", f"%, {name}")),
        ),
        rows=rows,
    )


def _ratings(found: Quality, at: int, name: str, who: str) -> Figure:
    stars = dict.fromkeys(range(1, 6), 0)
    for scores, count in found.rated.items():
        if score := scores[at]:
            stars[score] += count
    n = sum(stars.values())
    answered = sum(count for scores, count in found.rated.items() if any(scores))
    mean = f"{sum(star * count for star, count in stars.items()) / n:.1f}" if n else "—"
    return Figure(
        name=name,
        title=f"{who}: {mean} of 5 by {n:,}, {share(stars[4] + stars[5], n)} gave 4 or 5",
        definition=f"Ratings of the {who.lower() if at else 'AI agent'}, apart from the other's; "
        f"a skip is no rating. {answered:,} of {found.asked:,} surveys that were shown were "
        f"answered ({share(answered, found.asked)}).",
        columns=("Stars", "Ratings"),
        rows=[(str(star), count) for star, count in stars.items()],
        kind="bars",
    )
