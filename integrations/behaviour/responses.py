"""The texts of a handoff that an admin may word anew, and what is filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_LENGTH = 500
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardResponse:
    """One text; `variables` are the names it may hold in double braces."""

    key: str
    label: str
    text: str
    variables: tuple[str, ...] = ()

    @property
    def setting(self) -> str:
        """The name under which an integration keeps its own wording."""
        return f"response_{self.key}"


RESPONSES = (
    StandardResponse(
        key="wait_update",
        label="While waiting",
        text="Thank you for waiting. Somebody will be with you as soon as possible.",
    ),
    StandardResponse(
        key="wait_position",
        label="While waiting, with the place in the queue",
        text="You are number {{queue_position}} in the queue.",
        variables=("queue_position",),
    ),
    StandardResponse(
        key="wait_time",
        label="While waiting, with the expected time",
        text="The expected wait is {{wait_minutes}} min.",
        variables=("wait_minutes",),
    ),
    StandardResponse(
        key="looking_for_agent",
        label="Before the fallback is tried",
        text="It takes a little longer: we are looking for somebody else who can help you.",
    ),
    StandardResponse(
        key="no_agents",
        label="Nobody is available",
        text="Nobody is available to take over right now.",
    ),
    StandardResponse(
        key="out_of_hours",
        label="Out of hours",
        text="Our team is not there at this hour.",
    ),
    StandardResponse(
        key="ticket_opened",
        label="A ticket was opened",
        text="Nobody could take over right now. Your request is noted as ticket "
        "{{ticket_number}}, and somebody will look at it.",
        variables=("ticket_number",),
    ),
    StandardResponse(
        key="inactivity_warning",
        label="Before closing for silence",
        text="Are you still there? This conversation closes soon if you do not write.",
        variables=("agent_name",),
    ),
    StandardResponse(
        key="conversation_closed",
        label="Closed for silence",
        text="This conversation was closed because nothing was written for a while.",
        variables=("agent_name",),
    ),
)
_BY_KEY = {response.key: response for response in RESPONSES}


def response_text(own: Mapping[str, object], key: str, **values: object) -> str:
    """Return a text as the integration words it; `own` holds its settings by name.

    A place for which there is no value becomes empty.
    """
    response = _BY_KEY[key]
    text = str(own.get(response.setting) or "") or response.text
    return _PLACE.sub(lambda place: str(values.get(place[1], "")), text)


def unknown_variables(response: StandardResponse, text: str) -> list[str]:
    """Return what stands in double braces but is never filled in there."""
    return [name for name in _PLACE.findall(text) if name not in response.variables]
