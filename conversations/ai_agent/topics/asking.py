"""Gives the tools of a decision their arguments: named by an action, said, or asked for.

One value is asked for at a time. Every tool has its arguments before the first one runs: nobody is
asked in the middle of a deed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from conversations.ai_agent.entities.arguments import answer_find, arguments_find, missing_of
from conversations.ai_agent.entities.parameters import Parameter, tool_parameters, value_fit
from conversations.ai_agent.entities.reading import Read
from conversations.ai_agent.phrases.consent import consent_read
from conversations.ai_agent.topics.actions import TopicAction, Value
from conversations.ai_agent.topics.decision import Decision
from conversations.ai_agent.topics.dialog import Dialog
from conversations.ai_agent.topics.matching import TopicMatch
from conversations.models import Tool, Topic
from conversations.releases.content import Content
from integrations.behaviour.sentences import sentence

# So often one value is asked for; then the message counts as one that nobody understood.
ASKED_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """Actions with all their arguments by name, and what is still missing of which of them."""

    actions: Sequence[TopicAction]
    said: Mapping[str, str] = field(default_factory=dict, repr=False)
    missing: Parameter | None = None
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is carried out once values are known, as Dialog.waits keeps it.

    `tools` holds {target, named}; `parameter` is asked for, of the tool at `at`, for the time that
    `tries` says.
    """

    tools: Sequence[Mapping[str, Any]]
    at: int
    parameter: str
    handoff: Mapping[str, Any] | bool | None = None
    goes_to_flow: str = ""
    why: str = ""
    tries: int = 1

    @property
    def tool(self) -> str:
        """Return the tool whose argument is asked for."""
        return str(self.tools[self.at]["target"])

    @property
    def actions(self) -> list[TopicAction]:
        """Return the tools as they stand."""
        return [
            TopicAction(kind="run_tool", target=one["target"], named=one["named"])
            for one in self.tools
        ]

    def with_value(self, value: Value) -> list[TopicAction]:
        """Return the tools, one of them with what was asked for."""
        found = self.actions
        asked = found[self.at]
        found[self.at] = replace(asked, named={**asked.named, self.parameter: value})
        return found

    def stored(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def waiting_read(stored: Mapping[str, Any]) -> Waiting | None:
    """Return what was kept; None where it is of another version or nothing."""
    try:
        found = Waiting(**stored)
        return found if found.tool and found.parameter else None
    except (TypeError, KeyError, IndexError):
        return None


class ValueAsking:
    """One message, where tools may lack arguments."""

    def __init__(self, content: Content, locale: str, text: str) -> None:
        """Read nothing yet."""
        self._content, self._locale, self._text = content, locale, text

    def complete(self, decision: Decision, text: str) -> Decision:
        """Give the tools of a decision their arguments, or ask for the first that is missing."""
        if not decision.tools:
            return decision
        known = self._content.named(Tool, [one.target for one in decision.tools])
        found = actions_fill(decision.tools, known, text)
        dialog = decision.dialog.told(found.said)
        if found.missing is None:
            return replace(decision, tools=found.actions, dialog=dialog)
        waits = Waiting(
            tools=[{"target": one.target, "named": dict(one.named)} for one in found.actions],
            at=found.at,
            parameter=found.missing.name,
            handoff=decision.handoff,
            goes_to_flow=decision.goes_to_flow,
            why=decision.why,
        )
        return self._ask(waits, decision.topic, found.missing, dialog)

    def hear(self, dialog: Dialog, topic: Topic, *, other: TopicMatch | None) -> Decision | None:
        """Go on with the answer to a question for a value, or ask again.

        None where it is about something else (`other` says how well another topic matches), is
        refused, or was asked for often enough.
        """
        waits = waiting_read(dialog.waits)
        parameter = self._asked_for(waits) if waits else None
        if waits is None or parameter is None:
            return None
        read = answer_find(parameter, self._text)
        if other is not None and (read is None or other.is_exact):
            return None
        if read is not None:
            return self._go_on(waits, topic, parameter, read, dialog)
        if waits.tries >= ASKED_MAX or consent_read(self._text) is False:
            return None
        return self._ask(replace(waits, tries=waits.tries + 1), topic, parameter, dialog)

    def _go_on(
        self, waits: Waiting, topic: Topic, parameter: Parameter, read: Read, dialog: Dialog
    ) -> Decision:
        """Do what waited for a value, or ask for the next one."""
        decision = Decision(
            tools=waits.with_value(read[0]),
            handoff=waits.handoff,
            goes_to_flow=waits.goes_to_flow,
            topic=topic,
            why=waits.why,
            dialog=dialog.about(topic.name).told({parameter.name: read[1]}),
        )
        rest = "" if parameter.takes_all else self._text.replace(read[1], " ")
        return self.complete(decision, rest)

    def _asked_for(self, waits: Waiting) -> Parameter | None:
        tool = self._content.named(Tool, [waits.tool]).get(waits.tool)
        found = tool_parameters(tool) if tool else []
        return next((one for one in found if one.name == waits.parameter), None)

    def _ask(
        self, waits: Waiting, topic: Topic | None, parameter: Parameter, dialog: Dialog
    ) -> Decision:
        text = _question(parameter, self._locale, again=waits.tries > 1)
        is_choice = parameter.kind.key == "enum"
        return Decision(
            says=[text],
            offers=list(parameter.options) if is_choice else [],
            topic=topic,
            why=f"asks for {parameter.name}",
            dialog=dialog.waiting(topic.name if topic else "", waits.stored()),
        )


def _question(parameter: Parameter, locale: str, *, again: bool) -> str:
    """Return the builder's question for a value, or one of ours."""
    own = parameter.asked_in(locale)
    question = own or sentence("ask_value", locale, what=parameter.what)
    return sentence("ask_value_again", locale, question=question) if again else question


def actions_fill(actions: Sequence[TopicAction], tools: Mapping[str, Tool], text: str) -> Filling:
    """Fill in what actions name and what a message says, up to the first value that is missing."""
    filled: list[TopicAction] = []
    said: dict[str, str] = {}
    missing: list[tuple[Parameter, int]] = []
    for action in actions:
        tool = tools.get(action.target)
        if tool is None:
            # A tool that is gone is passed over.
            continue
        parameters = tool_parameters(tool)
        known = arguments_named(action, parameters)
        found = arguments_find([one for one in parameters if one.name not in known], text)
        said |= found.said
        filled.append(replace(action, arguments=(), named={**known, **found.values}))
        lacks = missing_of(parameters, filled[-1].named)
        missing += [(lacks, len(filled) - 1)] if lacks else []
    first, at = missing[0] if missing else (None, 0)
    return Filling(actions=filled, said=said, missing=first, at=at)


def arguments_named(action: TopicAction, parameters: Sequence[Parameter]) -> dict[str, Value]:
    """Return what an action names, by name and by place; what has no place is left out."""
    places = zip((one.name for one in parameters), action.arguments, strict=False)
    given = dict(places) | dict(action.named)
    return {
        one.name: given[one.name] if fit is None else fit
        for one in parameters
        if one.name in given
        for fit in [value_fit(one, given[one.name])]
    }
