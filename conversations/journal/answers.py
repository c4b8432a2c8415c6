"""An end user's answer to what a message offers, as a client gives it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAnswer:
    """What was taken of a message; `values` fills in a form, by the names of its fields."""

    message_id: uuid.UUID
    payload: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
