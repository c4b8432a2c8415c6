"""What a model may call: the project's tools, its topics with an action, and our own functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conversations.ai_agent.phrases.words import meaningful_words, normalise
from conversations.ai_agent.topics.actions import tool_targets
from conversations.models import Conversation, Tool, Topic
from conversations.releases.content import Content, content_of

HANDOFF, END = "handoff", "end_conversation"
CHECK, CHOICES = "check_availability", "offer_choices"
NAME_MAX = 64
TOPICS_NEAR = 5
QUERIES_SHOWN = 5
_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_TEXT = {"type": "string"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is offered in one turn: the functions as they go over the wire, and what each runs."""

    functions: Sequence[Mapping[str, Any]]
    tools: Mapping[str, Tool] = field(repr=False)
    topics: Mapping[str, Topic] = field(repr=False)
    near: Sequence[Topic] = field(repr=False)

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
    topics = dict(_topic_functions(found, tools))
    functions = [
        *_reserved(destinations),
        *(function_of(name, tool.description, _parameters(tool)) for name, tool in tools.items()),
        *(function_of(name, _about(topic), {}) for name, topic in topics.items()),
    ]
    return Offer(functions=functions, tools=tools, topics=topics, near=_near(found, text))


def function_of(
    name: str, description: str, properties: Mapping[str, Any], required: Sequence[str] = ()
) -> Mapping[str, Any]:
    """Return a function as it goes over the wire."""
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def _reserved(destinations: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
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
            "priority": {"type": "string", "enum": ["low", "normal", "high", "urgent"]},
        },
    )
    yield function_of(END, "End the conversation with a last word.", {"utterance": _TEXT})
    if destinations:
        yield function_of(
            CHECK, "Say whether a live agent would answer now.", {"destination": where}
        )
    label = {"type": "object", "properties": {"label": _TEXT}, "required": ["label"]}
    yield function_of(
        CHOICES,
        "Ask the end user to choose, with buttons.",
        {"text": _TEXT, "choices": {"type": "array", "items": label}},
        ["text", "choices"],
    )


def _topic_functions(
    topics: Sequence[Topic], tools: Mapping[str, Tool]
) -> Iterator[tuple[str, Topic]]:
    """Yield the topics that run a tool under names of their own."""
    taken = set(tools)
    for topic in topics:
        if not any(name in tools for name in tool_targets(topic.actions, topic.actions_text)):
            continue
        slug = re.sub(r"[^a-z0-9]+", "_", topic.name.lower()).strip("_") or str(topic.pk)
        name = f"topic_{slug}"[:NAME_MAX]
        if name in taken:
            name = f"topic_{topic.pk}"
        taken.add(name)
        yield name, topic


def _about(topic: Topic) -> str:
    queries = "; ".join(topic.example_queries[:QUERIES_SHOWN])
    return f"{topic.name}. For instance: {queries}" if queries else topic.name


def _parameters(tool: Tool) -> dict[str, Any]:
    """Return what a tool takes beside `conv`, by its annotations."""
    try:
        tree = ast.parse(tool.source)
    except SyntaxError:
        return {}
    wanted = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == tool.name]
    if not wanted:
        return {}
    arguments = [*wanted[-1].args.posonlyargs, *wanted[-1].args.args][1:]
    return {one.arg: {"type": _type_of(one.annotation)} for one in arguments}


def _type_of(annotation: ast.expr | None) -> str:
    name = annotation.id if isinstance(annotation, ast.Name) else ""
    return _TYPES.get(name, "string")


def _near(topics: Sequence[Topic], text: str) -> list[Topic]:
    """Return the topics that share most words with what was said; ties keep their order."""
    said = set(meaningful_words(normalise(text)))

    def shared(topic: Topic) -> int:
        words = " ".join([topic.name, *topic.example_queries, topic.content])
        return len(said & set(meaningful_words(normalise(words))))

    told = [topic for topic in topics if topic.content]
    return sorted(told, key=shared, reverse=True)[:TOPICS_NEAR]
