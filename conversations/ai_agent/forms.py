"""The forms of the Topics, Tools and Widget pages; rules live in the services, shapes here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from conversations.ai_agent.services import (
    EXAMPLE_QUERIES_MAX,
    TOOL_TIMEOUT_MAX_SECONDS,
    tool_name_problem,
)
from conversations.models import Tool, Topic


class LinesField(forms.CharField):
    """A text box that holds one value per line; empty lines and repeats are dropped."""

    def __init__(
        self, *, read: Callable[[str], str] = str.strip, maximum: int, rows: int, **kwargs: Any
    ) -> None:
        """Take the function that cleans a line; it may raise ValueError with the reason."""
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), required=False, **kwargs)
        self.read = read
        self.maximum = maximum

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines, and what was typed as it was typed."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """Return the list of lines; raises ValidationError that names the line at fault."""
        lines = [line.strip() for line in (super().clean(value) or "").splitlines()]
        found: list[str] = []
        problems: list[str] = []
        for number, line in enumerate(lines, start=1):
            try:
                found += [self.read(line)] if line else []
            except ValueError as error:
                problems.append(f"Line {number}, {line[:60]}: {error}.")
        if problems:
            raise ValidationError(problems)
        unique = list(dict.fromkeys(found))
        if len(unique) > self.maximum:
            raise ValidationError(f"{len(unique)} lines are given; at most {self.maximum} fit.")
        return unique


class TopicForm(forms.Form):
    """A topic without its actions, which are rows of their own."""

    name = forms.CharField(
        max_length=120,
        help_text="What the topic is about, in a few words. It counts when topics are matched.",
    )
    is_enabled = forms.BooleanField(
        label="Enabled", required=False, help_text="A disabled topic never matches."
    )
    is_mandatory = forms.BooleanField(
        label="Never for the AI agent",
        required=False,
        help_text="A message about this is handed off at once, whoever answers in this project: "
        "by the first hand-off among the actions, else where the project's rules say.",
    )
    example_queries = LinesField(
        maximum=EXAMPLE_QUERIES_MAX,
        rows=6,
        label="Example queries",
        help_text=f"How end users ask for it: one per line, at most {EXAMPLE_QUERIES_MAX}. "
        "Three or more make matching reliable.",
    )
    content = forms.CharField(
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What the AI agent answers, or asks before an action. $name stands for a value "
        "of conv.state. References to tools and destinations belong into the actions: here they "
        "do nothing and are left out. Leave it empty when an action should answer.",
    )
    actions_text = forms.CharField(
        max_length=2000,
        required=False,
        label="Actions in words",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Type / to put in a tool or a destination, such as "
        '{{fn:find_order(number="A-7")}} or {{ho:Billing}}. They come after the list above. '
        "Everything else here is for a language model.",
    )

    @classmethod
    def for_topic(cls, topic: Topic) -> TopicForm:
        """Return the form filled with a topic."""
        return cls(initial={name: getattr(topic, name) for name in cls.base_fields})


class ToolForm(forms.Form):
    """A tool's record."""

    name = forms.CharField(
        max_length=80,
        help_text="The Python function's name: letters, digits and underscores.",
        widget=forms.TextInput(attrs={"class": "code", "spellcheck": "false"}),
    )
    description = forms.CharField(
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What it does and when to call it. A language model decides by this text.",
    )
    source = forms.CharField(
        max_length=65_536,
        strip=False,
        label="Python source",
        widget=forms.Textarea(
            attrs={
                "rows": 16,
                "class": "code code-input",
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
                "wrap": "off",
                "data-code": "",
            }
        ),
    )
    timeout_seconds = forms.IntegerField(
        min_value=1,
        max_value=TOOL_TIMEOUT_MAX_SECONDS,
        initial=10,
        label="Time limit in seconds",
        help_text=f"1 to {TOOL_TIMEOUT_MAX_SECONDS}. A tool that takes longer is stopped, and no "
        "handoff comes of it.",
    )

    def clean_name(self) -> str:
        """Return the name; said here so that it is not hidden by what it breaks in the source."""
        name: str = self.cleaned_data["name"]
        if problem := tool_name_problem(name):
            raise ValidationError(problem, code="tool_name_refused")
        return name

    def clean_source(self) -> str:
        """Return the source with plain line ends."""
        source: str = self.cleaned_data["source"]
        return source.replace("\r\n", "\n").replace("\r", "\n")

    @classmethod
    def for_tool(cls, tool: Tool) -> ToolForm:
        """Return the form filled with a tool."""
        return cls(initial={name: getattr(tool, name) for name in cls.base_fields})
