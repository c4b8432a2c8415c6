"""The figures of analytics: each a title in words, its definition, and the table that it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay, TruncDay

from handoffs.portal.analytics.counting import VALUES_MIN, Spread, counts, spreads
from handoffs.portal.analytics.scope import Scope
from handoffs.portal.one_handoff.outcomes import OUTCOME_LABELS, Outcome
from handoffs.portal.one_handoff.wording import duration_text
from integrations.contract.integration_keys import vendor_name
from integrations.projects.reasons import reason_label

VALUES_MAX = 20
NONE_GIVEN = "None given"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Every code of a failed handoff has a class; what is not here is ours.
CLASSES: dict[str, tuple[str, ...]] = {
    "The vendor": ("cannot_connect", "rate_limited", "unexpected_response", "conversation_gone"),
    "Configuration": (
        *("invalid_auth", "missing_permission", "invalid_routing", "not_connected", "rejected"),
        *("webhook_unverified", "identity_required", "no_connector", "no_default"),
        *("nothing_connected", "not_allowed_here", "invalid_payload"),
    ),
    "People": ("no_live_agents", "wait_timeout", "out_of_hours"),
}
OURS = "Baton"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One table; `kind` says how its chart is drawn, `link` which filter a row leads to."""

    name: str
    title: str
    definition: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    kind: str = ""
    link: str = ""
    # The value by which the list is filtered, for each row.
    values: Sequence[str] = ()


# ---- overview ----


def overview(scope: Scope) -> list[Figure]:
    """How many, and what became of them."""
    found = counts(_counted(scope), "outcome", day=_day(scope))
    total = sum(found.values())
    by_outcome: defaultdict[str, int] = defaultdict(int)
    for (outcome, _), n in found.items():
        by_outcome[outcome] += n
    talks = scope.conversations().filter(has_words=True)
    sums = talks.aggregate(all=Count("pk"), handed=Count("pk", filter=Q(handoffs__gt=0)))
    return [
        _figures(scope, total, by_outcome, sums),
        _outcomes(by_outcome, total),
        _by_day(scope, found),
    ]


def _figures(scope: Scope, total: int, by_outcome: dict[str, int], sums: dict[str, int]) -> Figure:
    queued = _counted(scope).filter(is_queued=True).exclude(outcome=Outcome.SHORT_ABANDONED)
    n = queued.exclude(outcome=Outcome.GIVEN_TO_CLIENT).count()
    rows = [
        ("Conversations", f"{sums['all']:,}"),
        ("Handoffs", f"{total:,}"),
        ("Handoff rate", share(sums["handed"], sums["all"])),
        ("Answer rate", share(by_outcome[Outcome.ANSWERED], n)),
        ("Abandonment", share(by_outcome[Outcome.ABANDONED], n)),
        ("Timed out", share(by_outcome[Outcome.TIMED_OUT], n)),
    ]
    return Figure(
        name="summary",
        title=f"{total:,} handoffs, {share(by_outcome[Outcome.ANSWERED], n)} of {n:,} queued "
        "ones answered",
        definition="Conversations: over, with at least one message by the end user. Handoff rate: "
        "those with at least one handoff ÷ conversations. Answer rate, abandonment, timed out: ÷ "
        "handoffs that a vendor accepted or a live agent joined, without those abandoned within "
        "5 seconds or given to the client.",
        columns=("Figure", "Value"),
        rows=rows,
    )


def _outcomes(by_outcome: dict[str, int], total: int) -> Figure:
    found = [name for name in OUTCOME_LABELS if by_outcome.get(name)]
    return Figure(
        name="outcomes",
        title="What became of them",
        definition="Each handoff has exactly one outcome. Answered: a live agent joined. "
        "Abandoned: the end user left before that, after 5 seconds or more. A handoff that went "
        "to a fallback is one handoff of the vendor that had it last.",
        columns=("Outcome", "Handoffs", "Share"),
        rows=[(OUTCOME_LABELS[n], by_outcome[n], share(by_outcome[n], total)) for n in found],
        kind="bars",
        link="outcome",
        values=found,
    )


def _by_day(scope: Scope, found: dict[tuple[Any, ...], int]) -> Figure:
    used = [name for name in OUTCOME_LABELS if any(outcome == name for outcome, _ in found)]
    table: dict[date, dict[str, int]] = {day: dict.fromkeys(used, 0) for day in scope.days}
    for (outcome, at), n in found.items():
        table[at.date()][outcome] += n
    return Figure(
        name="by_day",
        title="Handoffs by day and outcome",
        definition="A handoff belongs to the day on which it was asked for, whatever came later. "
        f"Days are those of {scope.given['tz']}.",
        columns=("Day", *(OUTCOME_LABELS[name] for name in used)),
        rows=[(day.isoformat(), *row.values()) for day, row in table.items()],
        kind="columns",
        link="day",
        values=[day.isoformat() for day in table],
    )


# ---- waiting ----


def waiting(scope: Scope) -> list[Figure]:
    """How long people wait, how long they talk, and when they ask."""
    answered = _counted(scope).filter(outcome=Outcome.ANSWERED)
    wait = spreads(answered, "wait_ms").get((), Spread(0, None, None))
    handle = spreads(answered, "handle_ms").get((), Spread(0, None, None))
    by_day = spreads(answered, "wait_ms", day=_day(scope))
    hours = counts(
        _counted(scope),
        weekday=ExtractIsoWeekDay("requested_at", tzinfo=scope.zone),
        hour=ExtractHour("requested_at", tzinfo=scope.zone),
    )
    return [_times(wait, handle), _wait_by_day(scope, by_day), _hours(scope, hours)]


def _times(wait: Spread, handle: Spread) -> Figure:
    return Figure(
        name="times",
        title=f"Median wait {_text(wait.median)}, p90 {_text(wait.p90)}",
        definition="Wait: from the request until a live agent joined. Time with a live agent: "
        "from there to the end, transfers included; what live agents do afterwards at the vendor "
        "is not known here. Both of answered handoffs; the median and the 90th percentile by "
        f"nearest rank, none below {VALUES_MIN} values.",
        columns=("Duration", "Handoffs", "Median", "p90", "Median ms", "p90 ms"),
        rows=[
            ("Wait", wait.n, _text(wait.median), _text(wait.p90), wait.median, wait.p90),
            (
                *("Time with a live agent", handle.n, _text(handle.median), _text(handle.p90)),
                *(handle.median, handle.p90),
            ),
        ],
    )


def _wait_by_day(scope: Scope, found: dict[tuple[Any, ...], Spread]) -> Figure:
    by_day = {at.date(): spread for (at,), spread in found.items()}
    empty = Spread(0, None, None)
    days = [(day, by_day.get(day, empty)) for day in scope.days]
    return Figure(
        name="wait_by_day",
        title="Wait by day",
        definition=f"The wait of answered handoffs by the day of the request; a day with fewer "
        f"than {VALUES_MIN} has no figure.",
        columns=("Day", "Median s", "p90 s", "Answered"),
        rows=[(d.isoformat(), _seconds(s.median), _seconds(s.p90), s.n) for d, s in days],
        kind="lines",
        link="day",
        values=[day.isoformat() for day, _ in days],
    )


def _hours(scope: Scope, found: dict[tuple[Any, ...], int]) -> Figure:
    return Figure(
        name="hours",
        title="When people ask",
        definition=f"Handoffs by weekday and hour of {scope.given['tz']}.",
        columns=("Day", *(f"{hour:02}" for hour in range(24))),
        rows=[
            (name, *(found.get((number, hour), 0) for hour in range(24)))
            for number, name in enumerate(WEEKDAYS, start=1)
        ],
        kind="heat",
    )


# ---- why and where ----


def why(scope: Scope) -> list[Figure]:
    """What handoffs were about, and where they went."""
    names: dict[str, tuple[str, Callable[[str], str]]] = {
        "reason": (
            "By reason",
            lambda key: reason_label(scope.project.handoff_reasons, key, key),
        ),
        "topic": ("By topic", str),
        "vendor": ("By vendor", lambda key: vendor_name(key)),
        "queue": ("By queue", str),
    }
    return [_dimension(scope, name, title, label) for name, (title, label) in names.items()]


def _dimension(scope: Scope, name: str, title: str, label: Callable[[str], str]) -> Figure:
    found = counts(_counted(scope), name, "outcome")
    all_, answered, abandoned = (_summed(found, which) for which in _WHICH)
    waits = spreads(_counted(scope).filter(outcome=Outcome.ANSWERED), "wait_ms", key=F(name))
    keys = sorted(all_, key=lambda key: (-all_[key], key))
    shown, rest = keys[:VALUES_MAX], keys[VALUES_MAX:]
    rows: list[Sequence[Any]] = [
        (
            *(label(key) or NONE_GIVEN, all_[key], answered[key], abandoned[key]),
            _text(waits.get((key,), Spread(0, None, None)).median),
        )
        for key in shown
    ]
    if rest:
        sums = [sum(table[key] for key in rest) for table in (all_, answered, abandoned)]
        rows.append((f"Others ({len(rest)})", *sums, ""))
    return Figure(
        name=name,
        title=title,
        definition="Handoffs, those answered, those abandoned, and the median wait of those "
        f"answered. The {VALUES_MAX} most frequent; the parts add up to all handoffs.",
        columns=(name.capitalize(), "Handoffs", "Answered", "Abandoned", "Median wait"),
        rows=rows,
        kind="bars",
        link=name,
        values=shown,
    )


_ABANDONED = (Outcome.ABANDONED, Outcome.SHORT_ABANDONED)
_WHICH: tuple[Sequence[str], ...] = (tuple(Outcome), (Outcome.ANSWERED,), _ABANDONED)


def _summed(found: dict[tuple[Any, ...], int], which: Iterable[str]) -> defaultdict[str, int]:
    sums: defaultdict[str, int] = defaultdict(int)
    for (key, outcome), n in found.items():
        sums[key] += n if outcome in which else 0
    return sums


# ---- quality ----


def quality(scope: Scope) -> list[Figure]:
    """What the AI agent settled by itself, and what end users thought of either."""
    talks = scope.conversations().filter(has_words=True, has_answer=True)
    sums = talks.aggregate(all=Count("pk"), contained=Count("pk", filter=Q(handoffs=0)))
    rated = counts(scope.conversations().order_by(), "rating_ai_agent", "rating_live_agent")
    asked = scope.conversations().filter(is_asked=True).count()
    answered = sum(n for scores, n in rated.items() if any(scores))
    return [
        Figure(
            name="containment",
            title=f"{share(sums['contained'], sums['all'])} contained",
            definition="Conversations that are over, in which the end user wrote and the AI agent "
            "answered: those without any handoff or refused request ÷ all of them. Contained is "
            "not solved: look at the ratings too.",
            columns=("Figure", "Conversations"),
            rows=[("Contained", sums["contained"]), ("All", sums["all"])],
        ),
        _ratings(rated, 0, "ratings_ai_agent", "AI agent", asked, answered),
        _ratings(rated, 1, "ratings_live_agent", "Live agent", asked, answered),
    ]


def _ratings(
    rated: dict[tuple[Any, ...], int], at: int, name: str, who: str, asked: int, answered: int
) -> Figure:
    stars = dict.fromkeys(range(1, 6), 0)
    for scores, n in rated.items():
        if scores[at]:
            stars[scores[at]] += n
    n = sum(stars.values())
    mean = f"{sum(star * count for star, count in stars.items()) / n:.1f}" if n else "—"
    return Figure(
        name=name,
        title=f"{who}: {mean} of 5 by {n:,}, {share(stars[4] + stars[5], n)} gave 4 or 5",
        definition=f"Ratings of the {who.lower() if at else 'AI agent'}, apart from the other's; "
        f"a skip is no rating. {answered:,} of {asked:,} surveys that were shown were answered "
        f"({share(answered, asked)}).",
        columns=("Stars", "Ratings"),
        rows=[(str(star), count) for star, count in stars.items()],
        kind="bars",
    )


# ---- failures ----


def failures(scope: Scope) -> list[Figure]:
    """What broke, and whose it was."""
    rows = scope.handoffs().exclude(error_code="")
    found = counts(rows.exclude(outcome=Outcome.REFUSED), "error_code")
    refused = counts(rows.filter(outcome=Outcome.REFUSED), "error_code")
    total = _counted(scope).count()
    classes: defaultdict[str, int] = defaultdict(int)
    for (code,), n in found.items():
        classes[class_of(code)] += n
    return [
        Figure(
            name="classes",
            title=f"{share(sum(classes.values()), total)} of handoffs failed or broke off",
            definition="Failed handoffs by whose they are to mend, ÷ all handoffs that are over; "
            "one that broke off after a live agent had joined counts as answered too.",
            columns=("Class", "Handoffs", "Share"),
            rows=[(name, n, share(n, total)) for name, n in _most(classes.items())],
            kind="bars",
        ),
        _codes("codes", "By error code", found, "Failed handoffs by the code of the failure."),
        _codes(
            "refused",
            "Refused requests",
            refused,
            "Requests that opened nothing: what the tool returned cannot be read, or nothing is "
            "connected. They are no handoffs and are in no other figure.",
        ),
    ]


def _codes(name: str, title: str, found: dict[tuple[Any, ...], int], about: str) -> Figure:
    ordered = _most(((code, n) for (code,), n in found.items()))
    return Figure(
        name=name,
        title=title,
        definition=about,
        columns=("Code", "Class", "Number"),
        rows=[(code, class_of(code), n) for code, n in ordered],
        kind="" if name == "refused" else "bars",
        link="code",
        values=[code for code, _ in ordered],
    )


def class_of(code: str) -> str:
    """Return whose failure a code is."""
    return next((name for name, codes in CLASSES.items() if code in codes), OURS)


TABS: dict[str, tuple[str, Callable[[Scope], list[Figure]]]] = {
    "overview": ("Overview", overview),
    "waiting": ("Waiting", waiting),
    "why": ("Why and where", why),
    "quality": ("Quality", quality),
    "failures": ("Failures", failures),
}


def share(part: int, whole: int) -> str:
    """Write a part of a whole; a whole of nothing has no parts."""
    return f"{100 * part / whole:.1f} %" if whole else "—"


def _counted(scope: Scope) -> Any:
    """Return the handoffs that count: those that were refused opened nothing."""
    return scope.handoffs().exclude(outcome=Outcome.REFUSED)


def _day(scope: Scope) -> TruncDay:
    return TruncDay("requested_at", tzinfo=scope.zone)


def _most(found: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _text(milliseconds: int | None) -> str:
    return "—" if milliseconds is None else duration_text(milliseconds / 1000)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else round(milliseconds / 1000, 1)


def local(at: datetime, scope: Scope) -> str:
    """Write a moment in the scope's zone."""
    return at.astimezone(scope.zone).isoformat(timespec="seconds")
