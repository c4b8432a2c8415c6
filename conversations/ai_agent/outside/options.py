"""How an outside agent is treated: its deadlines, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

SECONDS_MAX = 120
# An agent that drives by itself may ask somebody first.
ANSWER_SECONDS_MAX, ANSWER_SECONDS_OFFERED = 3600, 120
# So many turns in a row without an answer, and the conversation goes to a live agent.
FAILURES_IN_A_ROW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    """What an admin may choose; seconds count from the beginning of the turn.

    `first_seconds` is the time to the first sign of life. Who accepts a turn has `whole_seconds`
    from then on to answer by REST. `answer_seconds` is the same for an agent that drives by itself;
    0 waits for ever. An empty `failure_text` is our own sentence, in the end user's language.
    """

    first_seconds: int = 10
    whole_seconds: int = 30
    answer_seconds: int = 0
    failure_text: str = ""
    escalates: bool = False


def agent_options(stored: Mapping[str, Any]) -> AgentOptions:
    """Read stored options; what is missing is the default, what is unknown belongs to adapters."""
    known = {field.name for field in fields(AgentOptions)}
    return AgentOptions(**{name: value for name, value in stored.items() if name in known})
