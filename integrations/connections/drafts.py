"""What an admin has entered on the way to a connection, and what its last test brought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from integrations.connections.outcomes import has_passed
from integrations.contract.connector import CheckResult
from integrations.models import Integration


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTest:
    """The results of one connection test, and when it ended."""

    at: datetime
    checks: tuple[CheckResult, ...]

    @property
    def is_ok(self) -> bool:
        """Say whether these values may be connected without *Save anyway*."""
        return has_passed(self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is kept of a Connect flow; `values` is None while nothing differs from what is saved."""

    values: Mapping[str, str] | None = field(default=None, repr=False)
    confirmed: tuple[int, ...] = ()
    test: LastTest | None = None

    @property
    def is_edited(self) -> bool:
        """Say whether it holds values that are not in use."""
        return self.values is not None

    def with_confirmed(self, numbers: Iterable[int]) -> Draft:
        """Return it with these steps at the vendor ticked off."""
        return replace(self, confirmed=tuple(sorted(numbers)))

    def with_values(self, values: Mapping[str, str]) -> Draft:
        """Return it with other values, which have passed no test."""
        return replace(self, values=dict(values), test=None)

    def tested(self, results: Sequence[CheckResult]) -> Draft:
        """Return it with the outcome of a test that has just ended."""
        return replace(self, test=LastTest(at=timezone.now(), checks=tuple(results)))


def draft_of(integration: Integration) -> Draft:
    """Read the draft of an integration."""
    stored: Mapping[str, Any] = integration.draft
    return Draft(
        values=stored.get("values"),
        confirmed=tuple(stored.get("confirmed", ())),
        test=_test(stored.get("test")),
    )


def draft_set(integration: Integration, draft: Draft) -> None:
    """Put a draft into its row, which the caller saves."""
    stored: dict[str, Any] = {}
    if draft.values is not None:
        stored["values"] = dict(draft.values)
    if draft.confirmed:
        stored["confirmed"] = list(draft.confirmed)
    if draft.test is not None:
        checks = [asdict(check) for check in draft.test.checks]
        # Read by yesterday's version too, while both run.
        test = {"is_ok": draft.test.is_ok, "at": draft.test.at.isoformat(), "checks": checks}
        stored["test"] = test
    integration.draft = stored


def edited_values(integration: Integration) -> dict[str, str]:
    """Return the values being edited: those of the draft, else the saved ones."""
    values = draft_of(integration).values
    return dict(integration.credentials if values is None else values)


def _test(stored: Mapping[str, Any] | None) -> LastTest | None:
    if not stored:
        return None
    checks = tuple(CheckResult(**check) for check in stored["checks"])
    return LastTest(at=datetime.fromisoformat(stored["at"]), checks=checks)
