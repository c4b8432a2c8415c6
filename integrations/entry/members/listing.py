"""The members of a workspace, narrowed to what is asked for: one list for the page and its file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from integrations.entry.members.roles import ROLES, Rights, nearest_role, rights_apart, role_of
from integrations.entry.second_factor.kinds import factor_kinds
from integrations.models import Area, Invitation, Membership, Project
from integrations.projects.lists.bar import FilterField, choice
from integrations.projects.lists.filters import Chip, asked_read, chips

# Whoever was not seen for so long may not need their rights any more.
UNSEEN_DAYS = 90
CHANGED = "changed"
CHOICES: dict[str, dict[str, str]] = {
    "role": {role.key: role.label for role in ROLES} | {CHANGED: "Differs from each role"},
    "factor": {"none": "None", "any": "One or more"},
    "seen": {"long_ago": f"Not in {UNSEEN_DAYS} days"},
    "area": {area.value: str(area.label) for area in Area},
}
_LABELS = {
    "role": ("Role", "Every role"),
    "factor": ("Second factor", "With and without"),
    "seen": ("Last seen", "At any time"),
    "area": ("May enter", "Any area"),
}
COLUMNS = (
    *("name", "user_name", "email", "role", "differs_in", "sees_personal_data"),
    *("second_factor", "last_seen"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One member as the list shows them."""

    row: Membership
    name: str
    role: str
    # The areas in which the rights differ from the role's.
    apart: str
    factors: str
    seen_at: datetime | None


def wanted_read(asked: Mapping[str, str]) -> dict[str, str]:
    """Take what an address asks for; a choice that nobody offers narrows nothing."""
    return asked_read(asked, CHOICES, CHOICES)


def members_listed(project: Project) -> list[Line]:
    """Return the members by name, in two statements."""
    signed_in, seen = "user__last_login", Max("user__portal_sessions__seen_at")
    rows = Membership.objects.filter(workspace=project.workspace).select_related("user")
    # What one of the two lacks, the other tells.
    known = Greatest(Coalesce(signed_in, seen), Coalesce(seen, signed_in))
    found = [*rows.annotate(seen_at=known).order_by("user__username")]
    factors = factor_kinds(row.user_id for row in found)
    return [_line(row, factors.get(row.user_id, [])) for row in found]


def members_fitting(lines: Iterable[Line], wanted: Mapping[str, str]) -> list[Line]:
    """Return those that have all that is asked for."""
    return [line for line in lines if _fits(line, wanted)]


def member_fields(wanted: Mapping[str, str]) -> list[FilterField]:
    """Return the fields by which the list is narrowed."""
    return [
        choice(wanted, name, _LABELS[name][0], options.items(), _LABELS[name][1])
        for name, options in CHOICES.items()
    ]


def member_chips(wanted: Mapping[str, str]) -> list[Chip]:
    """Return what is on, each with the address without it."""
    on = {name: value for name, value in wanted.items() if value}
    return chips({name: (_LABELS[name][0], CHOICES[name][on[name]]) for name in on}, on)


def exported_members(lines: list[Line]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file of the list."""
    for line in lines:
        user = line.row.user
        yield {
            "name": line.name,
            "user_name": user.get_username(),
            "email": user.email,
            "role": line.role,
            "differs_in": line.apart,
            "sees_personal_data": line.row.may_see_personal_data,
            "second_factor": line.factors,
            "last_seen": line.seen_at.isoformat() if line.seen_at else "",
        }


def role_words(row: Membership | Invitation) -> tuple[str, str]:
    """Return the role's name, and in which areas the rights differ from it."""
    rights = rights_of(row)
    role = role_of(rights)
    if role is not None:
        return role.label, ""
    near = nearest_role(rights)
    return f"{near.label}, changed", ", ".join(rights_apart(rights, near))


def rights_of(row: Membership | Invitation) -> Rights:
    """Return what a member may do, or would."""
    return Rights(is_admin=row.is_admin, areas=row.areas, sees_personal_data=row.sees_personal_data)


def name_of(row: Membership) -> str:
    """Return what a member is called: the user name where there is no other."""
    return row.user.get_full_name() or row.user.get_username()


def _line(row: Membership, factors: list[str]) -> Line:
    role, apart = role_words(row)
    seen_at: datetime | None = row.seen_at  # type: ignore[attr-defined]
    return Line(
        row=row,
        name=name_of(row),
        role=role,
        apart=apart,
        factors=", ".join(factors),
        seen_at=seen_at,
    )


def _fits(line: Line, wanted: Mapping[str, str]) -> bool:
    role = role_of(rights_of(line.row))
    fits: dict[str, Callable[[str], bool]] = {
        "role": lambda key: (role.key if role else CHANGED) == key,
        "factor": lambda key: bool(line.factors) == (key == "any"),
        "seen": lambda _: _is_long_ago(line.seen_at),
        "area": lambda key: bool(line.row.access(Area(key))),
    }
    return all(fits[name](value) for name, value in wanted.items() if value)


def _is_long_ago(seen_at: datetime | None) -> bool:
    return seen_at is None or seen_at < timezone.now() - timedelta(days=UNSEEN_DAYS)
