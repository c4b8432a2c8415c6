"""One line of the Behaviour step."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms

from integrations.contract.manifest import Capability


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One line of the form; `needs` are capabilities of which the vendor must have one."""

    name: str
    group: str
    field: forms.Field
    needs: frozenset[Capability] = frozenset()
