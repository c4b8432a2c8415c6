"""Failures: what broke, and whose it was."""

from __future__ import annotations

from collections import Counter

from handoffs.portal.analytics.counting.figure import Figure, most_first, share
from handoffs.portal.analytics.counting.numbers import Failures
from handoffs.portal.analytics.counting.scope import Scope

# Every code of a failed handoff has a class; what is not here is ours.
CLASSES: dict[str, tuple[str, ...]] = {
    "The vendor": ("cannot_connect", "rate_limited", "unexpected_response", "conversation_gone"),
    "Configuration": (
        *("invalid_auth", "missing_permission", "invalid_routing", "not_connected", "rejected"),
        *("webhook_unverified", "identity_required", "no_connector", "no_default"),
        *("nothing_connected", "not_allowed_here", "invalid_payload", "unreadable"),
    ),
    "People": ("no_live_agents", "wait_timeout", "out_of_hours"),
}
OURS = "Baton"


def failures(scope: Scope, found: Failures) -> list[Figure]:
    """Say what broke."""
    classes: Counter[str] = Counter()
    for code, n in found.codes.items():
        classes[class_of(code)] += n
    total = found.total
    return [
        Figure(
            name="classes",
            title=f"{share(classes.total(), total)} of handoffs failed or broke off",
            definition="Failed handoffs by whose they are to mend, ÷ all handoffs that are over "
            f"({total:,}); one that broke off after a live agent had joined counts as answered "
            "too.",
            columns=("Class", "Handoffs", "Share"),
            rows=[(name, n, share(n, total)) for name, n in most_first(classes.items())],
            kind="bars",
        ),
        _codes("codes", "By error code", found.codes, "Failed handoffs by the failure's code."),
        _codes(
            "refused",
            "Refused requests",
            found.refused,
            "Requests that opened nothing: what the tool returned cannot be read, or nothing is "
            "connected. They are no handoffs and are in no other figure.",
        ),
    ]


def _codes(name: str, title: str, found: Counter[str], about: str) -> Figure:
    ordered = most_first(found.items())
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
