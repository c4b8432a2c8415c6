"""The words of a health page: one sentence on top, and cause and cure of each kind of error."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from handoffs.portal.health.calls import ErrorKind, Step, percentile
from handoffs.portal.health.talk import Talk
from handoffs.portal.one_handoff.wording import duration_text, failure_explanation
from integrations.connections.probe import EVERY_SECONDS, SPREAD_SECONDS
from integrations.contract.manifest import ErrorHelp, Manifest, Symptom
from integrations.models import Integration

# From so many of a hundred calls on, the errors come before all else.
_MANY = 0.05
_SLOW_MS = 3000
HELPS_MAX = 3
# What people see go wrong while every call is answered, by the code of the handoffs that failed.
_SYMPTOMS = {
    "wait_timeout": Symptom.NOT_APPEARING,
    "no_live_agents": Symptom.NOT_APPEARING,
    "conversation_gone": Symptom.ENDS_EARLY,
}
Status = Integration.Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How it stands in one sentence; `tone` is ok, warning or error."""

    sentence: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One kind of error as the page shows it: how often, why, and what to do."""

    title: str
    code: str
    count: int
    first_at: datetime | None
    last_at: datetime
    cause: str
    cure: str
    helps: tuple[ErrorHelp, ...] = ()
    handoff_id: str = ""


def verdict(
    row: Integration, vendor: str, *, calls: Step, talk: Talk, period: str, now: datetime
) -> Verdict:
    """Say whether it is them or us, since when, and how it goes."""
    if row.status == Status.DISABLED:
        return Verdict(sentence="Disabled: no new handoff is taken.", tone="warning")
    if row.status == Status.NEEDS_ATTENTION:
        since = f" for {_ago(row.last_error_at, now)}" if row.last_error_at else ""
        return Verdict(
            sentence=f"Needs attention{since}: {row.last_error_message}".strip(), tone="error"
        )
    if not calls.calls:
        last = _ago(row.last_success_at, now)
        seen = f"; the last success was {last} ago" if last else ""
        if row.probed_at and not row.failed_probes:
            seen = f"; the checks passed {_ago(row.probed_at, now)} ago"
        sentence = f"No call to {vendor} in the last {period}{seen}."
        return Verdict(sentence=f"{sentence} {_open_words(talk)}", tone="ok")
    return _of_calls(vendor, calls, talk, period)


def troubles(
    manifest: Manifest,
    errors: Sequence[ErrorKind],
    failed: Sequence[tuple[str, int, datetime]],
) -> list[Trouble]:
    """Return each kind of error with its cause and cure, calls first, then whole handoffs."""
    kinds: defaultdict[str, list[ErrorKind]] = defaultdict(list)
    for error in errors:
        kinds[error.code].append(error)
    found = [_of_kind(manifest, code, of) for code, of in kinds.items()]
    return found + [_of_handoffs(manifest, *one) for one in failed]


def checks_words(row: Integration, now: datetime) -> str:
    """Say what the checks brought that the clock repeats, and when they are run again."""
    if row.status == Status.DISABLED:
        return "not repeated while it is disabled"
    if row.probed_at is None:
        return f"none yet; they run every {duration_text(EVERY_SECONDS)}"
    ago, failed = _ago(row.probed_at, now), row.failed_probes
    brought = f"failed {failed} time{'' if failed == 1 else 's'} in a row" if failed else "passed"
    left = EVERY_SECONDS + SPREAD_SECONDS - (now - row.probed_at).total_seconds()
    after = f"again within {duration_text(ceil(left / 60) * 60)}"
    if left <= 0:
        after = "overdue: does beat run, and a worker of the queue clock?"
    return f"{brought} {ago} ago; {after}"


def total(steps: Sequence[Step]) -> Step:
    """Add the steps of a period up."""
    made = Step()
    for step in steps:
        made.answered += step.answered
        made.refused += step.refused
        made.unreached += step.unreached
        made.broken_streams += step.broken_streams
        made.classes = [a + b for a, b in zip(made.classes, step.classes, strict=True)]
    return made


def _of_calls(vendor: str, calls: Step, talk: Talk, period: str) -> Verdict:
    bad = calls.refused + calls.unreached
    parts = [f"{calls.calls:,} calls to {vendor} in the last {period}"]
    parts.append(f"{calls.refused:,} refused by {vendor}" if calls.refused else "none refused")
    if calls.unreached:
        parts.append(f"{calls.unreached:,} not reached or broken there")
    slow = percentile(calls.classes, 0.95) or 0
    parts.append(f"{'slow: ' if slow > _SLOW_MS else ''}19 of 20 answered within about {slow:,} ms")
    tone = "warning" if bad > _MANY * calls.calls or slow > _SLOW_MS else "ok"
    return Verdict(sentence=f"{', '.join(parts)}. {_open_words(talk)}", tone=tone)


def _open_words(talk: Talk) -> str:
    words = "No handoff is open"
    if talk.open:
        words = f"{talk.open} handoff{' is' if talk.open == 1 else 's are'} open"
    return f"{words}, {talk.unheld} without a relay worker." if talk.unheld else f"{words}."


def _of_kind(manifest: Manifest, code: str, errors: Sequence[ErrorKind]) -> Trouble:
    """Describe the calls that failed in one way, whatever they were to do."""
    cause, cure = failure_explanation(code, manifest.name)
    answers = sorted({f"answered {one.status}" if one.status else "no answer" for one in errors})
    names = list(dict.fromkeys(one.operation for one in errors))
    newest = max(errors, key=lambda one: one.last_at)
    return Trouble(
        title=f"{', '.join(names)}: {' or '.join(answers)}",
        code=code,
        count=sum(one.count for one in errors),
        first_at=min(one.first_at for one in errors),
        last_at=newest.last_at,
        cause=cause,
        cure=cure,
        helps=_helps(manifest, code),
        handoff_id=next((one.handoff_id for one in errors if one.handoff_id), ""),
    )


def _of_handoffs(manifest: Manifest, code: str, count: int, last_at: datetime) -> Trouble:
    cause, cure = failure_explanation(code, manifest.name)
    symptom = _SYMPTOMS.get(code)
    likely = manifest.symptoms.get(symptom, ()) if symptom else ()
    return Trouble(
        title="Handoffs that failed",
        code=code,
        count=count,
        first_at=None,
        last_at=last_at,
        cause=cause,
        cure=cure,
        helps=tuple(likely)[:HELPS_MAX] or _helps(manifest, code),
    )


def _helps(manifest: Manifest, code: str) -> tuple[ErrorHelp, ...]:
    """Return what the vendor's own table says of a code, whichever check meets it."""
    found = [help_ for (_, known), help_ in manifest.error_help.items() if known == code]
    return tuple(dict.fromkeys(found))[:HELPS_MAX]


def _ago(moment: datetime | None, now: datetime) -> str:
    return duration_text((now - moment).total_seconds()) if moment else ""
