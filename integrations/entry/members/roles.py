"""Rights by area, and the roles that fill them; a member's rights may differ from each role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.models import Access, Area

_NONE, _READ, _EDIT = Access.NONE, Access.READ, Access.EDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a member may do: an admin everything, anybody else by area."""

    is_admin: bool = False
    areas: Mapping[str, int] = field(default_factory=dict)
    sees_personal_data: bool = False

    def as_fields(self) -> dict[str, Any]:
        """Return the columns that hold them; an admin's areas are not kept apart."""
        areas = {} if self.is_admin else {a: int(v) for a, v in self.areas.items() if v}
        return {
            "is_admin": self.is_admin,
            "areas": areas,
            "sees_personal_data": self.is_admin or self.sees_personal_data,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One preset: its name, what it is for, and its rights."""

    key: str
    label: str
    about: str
    rights: Rights


def _areas(**given: Access) -> dict[str, int]:
    return {area: int(access) for area, access in given.items()}


ROLES = (
    Role(
        key="admin",
        label="Admin",
        about="May do everything, and decides who else may.",
        rights=Rights(
            is_admin=True,
            areas=dict.fromkeys(Area.values, int(_EDIT)),
            sees_personal_data=True,
        ),
    ),
    Role(
        key="builder",
        label="Builder",
        about="Writes topics, tools and flows, and publishes them.",
        rights=Rights(
            areas=_areas(
                integrations=_READ,
                knowledge=_EDIT,
                tools=_EDIT,
                widgets=_EDIT,
                conversations=_READ,
                analytics=_READ,
                deployments=_EDIT,
            )
        ),
    ),
    Role(
        key="operator",
        label="Operator",
        about="Watches handoffs and frees those that are stuck; reads what people wrote.",
        rights=Rights(
            areas=_areas(
                integrations=_READ,
                knowledge=_READ,
                tools=_READ,
                widgets=_READ,
                conversations=_EDIT,
                analytics=_READ,
                deployments=_READ,
            ),
            sees_personal_data=True,
        ),
    ),
    Role(
        key="analyst",
        label="Analyst",
        about="Sees figures, and nothing that names a person.",
        rights=Rights(areas=_areas(analytics=_READ)),
    ),
    Role(
        key="auditor",
        label="Auditor",
        about="Reads everything but personal data, the audit included.",
        rights=Rights(areas=dict.fromkeys(Area.values, int(_READ))),
    ),
    Role(
        key="reader",
        label="Reader",
        about="Reads, without accounts, audit and personal data.",
        rights=Rights(
            areas=dict.fromkeys(set(Area.values) - {Area.ACCOUNT, Area.AUDIT}, int(_READ))
        ),
    ),
)
BY_KEY = {role.key: role for role in ROLES}


def role_of(rights: Rights) -> Role | None:
    """Return the role that has exactly these rights; None where they are set one by one."""
    if rights.is_admin:
        return BY_KEY["admin"]
    return next((role for role in ROLES[1:] if not rights_apart(rights, role)), None)


def nearest_role(rights: Rights) -> Role:
    """Return the role from which these rights differ least."""
    return min(ROLES[1:], key=lambda role: len(rights_apart(rights, role)))


def rights_apart(rights: Rights, role: Role) -> list[str]:
    """Name the areas in which rights differ from those of a role."""
    apart: list[str] = [
        str(area.label)
        for area in Area
        if rights.areas.get(area, 0) != role.rights.areas.get(area, 0)
    ]
    if rights.sees_personal_data != role.rights.sees_personal_data:
        apart.append("Personal data")
    return apart
