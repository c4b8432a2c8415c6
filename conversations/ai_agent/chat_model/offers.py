"""What a model may call: the project's tools, its topics with an action, and our own functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conversations.ai_agent.entities.parameters import Parameter, schema_of, tool_parameters
from conversations.ai_agent.phrases.words import meaningful_words, normalise
from conversations.ai_agent.topics.actions import TopicAction, topic_actions
from conversations.ai_agent.topics.asking import arguments_named
from conversations.models import Conversation, Flow, Tool, Topic
from conversations.releases.content import Content, content_of

HANDOFF, END = "handoff", "end_conversation"
CHECK, CHOICES = "check_availability", "offer_choices"
START_FLOW = "start_flow"
PRIORITIES = ("low", "normal", "high", "urgent")
NAME_MAX = 64
TOPICS_NEAR = 5
QUERIES_SHOWN = 5
_TEXT = {"type": "string"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is offered in one turn: the functions as they go over the wire, and what each runs.

    `topics` holds what a topic's function does: its first tool or flow.
    """

    functions: Sequence[Mapping[str, Any]]
    tools: Mapping[str, Tool] = field(repr=False)
    topics: Mapping[str, tuple[Topic, TopicAction]] = field(repr=False)
    near: Sequence[Topic] = field(repr=False)
    flows: Mapping[str, Flow] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> list[str]:
        """Return what may be called."""
        return [function["function"]["name"] for function in self.functions]

    def only(self, name: str) -> list[Mapping[str, Any]]:
        """Return one function alone."""
        return [one for one in self.functions if one["function"]["name"] == name]


def offer_for(conversation: Conversation, text: str, destinations: Mapping[str, str]) -> Offer:
    """Return what a turn of a conversation offers, of the release that it was begun with."""
    return offer_read(content_of(conversation), text, destinations)


def offer_read(content: Content, text: str, destinations: Mapping[str, str]) -> Offer:
    """Return what a turn offers; `text` is what the end user has said."""
    found = [topic for topic in content.rows(Topic) if topic.is_enabled]
    tools = {tool.name: tool for tool in content.rows(Tool) if len(tool.name) <= NAME_MAX}
    flows = {flow.name: flow for flow in content.rows(Flow)}
    topics = dict(_topic_functions(found, tools, flows))
    functions = [
        *_reserved(destinations, flows),
        *(
            _tool_function(name, tool.description, tool_parameters(tool))
            for name, tool in tools.items()
        ),
        *(
            _tool_function(name, _about(topic), _left(action, tools))
            for name, (topic, action) in topics.items()
        ),
    ]
    near = _near(found, text)
    return Offer(functions=functions, tools=tools, topics=topics, near=near, flows=flows)


def _tool_function(
    name: str, description: str, parameters: Sequence[Parameter]
) -> Mapping[str, Any]:
    properties = {one.name: schema_of(one) for one in parameters}
    required = [one.name for one in parameters if one.is_required]
    return function_of(name, description, properties, required)


def _left(action: TopicAction, tools: Mapping[str, Tool]) -> list[Parameter]:
    """Return what the model gives to a topic's tool: all that its action does not name."""
    if action.kind != "run_tool":
        return []
    parameters = tool_parameters(tools[action.target])
    named = arguments_named(action, parameters)
    return [one for one in parameters if one.name not in named]


def function_of(
    name: str, description: str, properties: Mapping[str, Any], required: Sequence[str] = ()
) -> Mapping[str, Any]:
    """Return a function as it goes over the wire."""
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def _reserved(
    destinations: Mapping[str, str], flows: Mapping[str, Flow]
) -> Iterator[Mapping[str, Any]]:
    where: dict[str, Any] = dict(_TEXT)
    if destinations:
        about = "; ".join(f"{name}: {what}" for name, what in destinations.items())
        where |= {"enum": list(destinations), "description": about}
    yield function_of(
        HANDOFF,
        "Give the conversation to a live agent. Call it as soon as the end user wants a person or "
        "you cannot help; saying so is not enough.",
        {
            "destination": where,
            "reason": {"type": "string", "description": "Why, in a few words."},
            "summary": {"type": "string", "description": "What the live agent needs to know."},
            "utterance": {"type": "string", "description": "What to tell the end user now."},
            "priority": {"type": "string", "enum": list(PRIORITIES)},
        },
    )
    yield function_of(END, "End the conversation with a last word.", {"utterance": _TEXT})
    if destinations:
        yield function_of(
            CHECK, "Say whether a live agent would answer now.", {"destination": where}
        )
    if flows:
        about = "; ".join(f"{one.name}: {one.description or one.name}" for one in flows.values())
        flow = {**_TEXT, "enum": list(flows), "description": about}
        yield function_of(
            START_FLOW,
            "Begin a flow: it asks the end user step by step from here on. Say nothing beside it.",
            {"flow": flow},
            ["flow"],
        )
    label = {"type": "object", "properties": {"label": _TEXT}, "required": ["label"]}
    yield function_of(
        CHOICES,
        "Ask the end user to choose, with buttons.",
        {"text": _TEXT, "choices": {"type": "array", "items": label}},
        ["text", "choices"],
    )


def _topic_functions(
    topics: Sequence[Topic], tools: Mapping[str, Tool], flows: Mapping[str, Flow]
) -> Iterator[tuple[str, tuple[Topic, TopicAction]]]:
    """Yield the topics that run a tool or begin a flow, under names of their own."""
    taken = set(tools)
    there = {"run_tool": tools, "goto_flow": flows}
    for topic in topics:
        actions = topic_actions(topic.actions, topic.actions_text)
        does = next((one for one in actions if one.target in there.get(one.kind, ())), None)
        if does is None:
            continue
        slug = re.sub(r"[^a-z0-9]+", "_", topic.name.lower()).strip("_") or str(topic.pk)
        name = f"topic_{slug}"[:NAME_MAX]
        if name in taken:
            name = f"topic_{topic.pk}"
        taken.add(name)
        yield name, (topic, does)


def _about(topic: Topic) -> str:
    queries = "; ".join(topic.example_queries[:QUERIES_SHOWN])
    return f"{topic.name}. For instance: {queries}" if queries else topic.name


def _near(topics: Sequence[Topic], text: str) -> list[Topic]:
    """Return the topics that share most words with what was said; ties keep their order."""
    said = set(meaningful_words(normalise(text)))

    def shared(topic: Topic) -> int:
        words = " ".join([topic.name, *topic.example_queries, topic.content])
        return len(said & set(meaningful_words(normalise(words))))

    told = [topic for topic in topics if topic.content]
    return sorted(told, key=shared, reverse=True)[:TOPICS_NEAR]
