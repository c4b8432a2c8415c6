"""The form of Build > AI agent, made from the row of a kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from conversations.ai_agent.outside.options import (
    ANSWER_SECONDS_MAX,
    ANSWER_SECONDS_OFFERED,
    FAILURES_IN_A_ROW,
    SECONDS_MAX,
    AgentOptions,
    agent_options,
)
from conversations.ai_agent.runtimes.kinds import AgentField, AgentKind, Input
from conversations.models import OutsideAgent
from integrations.http.url_guard import url_problem

ADDRESS_MAX = 500
FAILURE_TEXT_MAX = 500
_PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
_KEPT = "Set. Leave empty to keep it"


class OutsideAgentForm(forms.Form):
    """What an admin says of an agent; a stored secret is never in it."""

    def __init__(
        self, kind: AgentKind, *, stored: OutsideAgent | None, data: Mapping[str, Any] | None = None
    ) -> None:
        """Show what is stored of this kind; values of another kind are not taken over."""
        self.kind = kind
        self.stored = stored if stored is not None and stored.kind == kind.key else None
        super().__init__(data=data, initial=self._initial())
        if kind.address_help:
            self.fields["url"] = _address(kind)
        for item in kind.fields:
            has_secret = bool(self.stored and self.stored.secrets.get(item.name))
            self.fields[item.name] = _field(item, has_secret=has_secret)
        self.fields |= _deadline_fields() if kind.adapter is not None else _answer_fields()
        self.fields |= _failure_fields()

    def clean_url(self) -> str:
        """Return an address that Baton may call, as the Connect form judges it."""
        url: str = self.cleaned_data["url"]
        if problem := url_problem(url, allow_local=settings.ALLOW_LOCAL_AGENTS):
            raise ValidationError(problem)
        return url

    def clean(self) -> dict[str, Any]:
        """Judge the two deadlines together."""
        found = super().clean() or {}
        first, whole = found.get("first_seconds"), found.get("whole_seconds")
        if first and whole and first > whole:
            self.add_error("whole_seconds", "It is shorter than the wait for the first sign.")
        return found

    def options(self) -> dict[str, Any]:
        """Return what goes into `options`."""
        hidden = {"url", *(field.name for field in self.kind.fields if _is_secret(field))}
        typed = self.cleaned_data.items()
        return {name: value for name, value in typed if name not in hidden and value is not None}

    def typed_secrets(self) -> dict[str, str]:
        """Return the secrets that were typed."""
        names = [field.name for field in self.kind.fields if _is_secret(field)]
        return {name: self.cleaned_data[name] for name in names}

    def _initial(self) -> dict[str, Any]:
        stored = self.stored.options if self.stored else {}
        options = agent_options(stored)
        shown = {name: getattr(options, name) for name in AgentOptions.__dataclass_fields__}
        shown["answer_seconds"] = "" if self.stored else ANSWER_SECONDS_OFFERED
        return {**shown, **stored, "url": self.stored.url if self.stored else ""}


def _is_secret(item: AgentField) -> bool:
    return item.input is Input.SECRET


def _address(kind: AgentKind) -> forms.CharField:
    return forms.CharField(
        label=kind.address_label,
        help_text=kind.address_help,
        max_length=ADDRESS_MAX,
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "url", "placeholder": "https://"}),
        error_messages={"required": f"{kind.address_label} is missing."},
    )


def _field(item: AgentField, *, has_secret: bool) -> forms.Field:
    options: dict[str, Any] = {"label": item.label, "help_text": item.help_text}
    if item.input is Input.SWITCH:
        return forms.BooleanField(required=False, **options)
    attributes = {**_PLAIN, "placeholder": _KEPT if has_secret else ""}
    rows = {"rows": "6"} if item.input is Input.LONG_TEXT else {}
    widget = (forms.Textarea if rows else forms.TextInput)(attrs={**attributes, **rows})
    return forms.CharField(
        required=item.is_required and not has_secret,
        max_length=item.max_length,
        widget=widget,
        error_messages={"required": f"{item.label} is missing."},
        **options,
    )


def _deadline_fields() -> dict[str, forms.Field]:
    return {
        "first_seconds": _seconds(
            "Seconds until the first sign",
            "If nothing at all has come from the agent by then, the turn has failed.",
        ),
        "whole_seconds": _seconds(
            "Seconds for the whole answer", "Counted from the beginning of the turn."
        ),
    }


def _answer_fields() -> dict[str, forms.Field]:
    return {
        "answer_seconds": forms.IntegerField(
            label="Seconds for an answer",
            required=False,
            min_value=1,
            max_value=ANSWER_SECONDS_MAX,
            help_text="If the agent has left a message without an answer for so long, it has "
            f"failed. 1 to {ANSWER_SECONDS_MAX}; empty: it may take for ever.",
        )
    }


def _failure_fields() -> dict[str, forms.Field]:
    return {
        "failure_text": forms.CharField(
            label="Text when the agent fails",
            required=False,
            max_length=FAILURE_TEXT_MAX,
            widget=forms.Textarea(attrs={"rows": 2}),
            help_text="What the end user reads then. Empty: a sentence in their language.",
        ),
        "escalates": forms.BooleanField(
            label=f"Hand off after {FAILURES_IN_A_ROW} failures in a row",
            required=False,
            help_text="The conversation goes to the default agent system, once in a conversation.",
        ),
    }


def _seconds(label: str, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        help_text=f"{help_text} 1 to {SECONDS_MAX}.",
        min_value=1,
        max_value=SECONDS_MAX,
        error_messages={"required": f"{label} is missing."},
    )
