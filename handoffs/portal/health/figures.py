"""The charts of a health page, each with the table that it is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString

from handoffs.portal.analytics.charts import chart
from handoffs.portal.analytics.counting.figure import Figure
from handoffs.portal.health.calls import Step, percentile
from handoffs.portal.health.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A figure with its drawing, and the one sentence that says what is seen in it."""

    figure: Figure
    chart: SafeString | str
    sentence: str


def drawn(steps: Mapping[datetime, Step], period: Period, vendor: str) -> list[Drawn]:
    """Return the charts of a period: what became of the calls, how long they took, the streams."""
    named = [(period.name(at), step) for at, step in steps.items()]
    found = [_calls(named, vendor)]
    if any(step.calls for _, step in named):
        found.append(_latency(named))
    if any(step.broken_streams for _, step in named):
        found.append(_streams(named))
    return found


def _calls(named: list[tuple[str, Step]], vendor: str) -> Drawn:
    rows = [(name, step.answered, step.refused, step.unreached) for name, step in named]
    most = max(named, key=lambda one: one[1].calls, default=None)
    busy = f"Most at {most[0]}: {most[1].calls:,}." if most and most[1].calls else "No call."
    return _drawn(
        Figure(
            name="calls",
            title="Calls",
            definition=(
                f"Each request to {vendor}: answered, refused (4xx), or not reached and broken "
                "(no answer, 5xx, an answer that could not be read)."
            ),
            columns=("From", "Answered", f"Refused by {vendor}", "Not reached or broken"),
            rows=rows,
            kind="columns",
        ),
        busy,
    )


def _latency(named: list[tuple[str, Step]]) -> Drawn:
    rows = [
        (name, percentile(step.classes, 0.5), percentile(step.classes, 0.95))
        for name, step in named
    ]
    known = [row[2] for row in rows if row[2] is not None]
    return _drawn(
        Figure(
            name="latency",
            title="How long an answer takes",
            definition=(
                "Half of the calls, and 19 of 20, were over within about so many milliseconds; "
                "read off twelve classes of duration."
            ),
            columns=("From", "Half of them (ms)", "19 of 20 (ms)"),
            rows=rows,
            kind="lines",
        ),
        f"19 of 20 within about {known[-1]:,} ms at last, {max(known):,} ms at most.",
    )


def _streams(named: list[tuple[str, Step]]) -> Drawn:
    rows = [(name, step.broken_streams) for name, step in named]
    count = sum(row[1] for row in rows)
    return _drawn(
        Figure(
            name="streams",
            title="Streams that broke",
            definition="A stream that had been open and ended with an error; it is opened again.",
            columns=("From", "Broken"),
            rows=rows,
            kind="columns",
        ),
        f"{count:,} in all.",
    )


def _drawn(figure: Figure, sentence: str) -> Drawn:
    return Drawn(figure=figure, chart=chart(figure), sentence=sentence)
