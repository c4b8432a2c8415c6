"""The form of Settings > Project."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from integrations.contract.integration_keys import overridable_hints
from integrations.models import Project
from integrations.projects.lists.time_zones import time_zones
from integrations.projects.reasons import Reason, reason_lines, reasons_read
from integrations.projects.settings import (
    STATE_KEY_MAX_CHARACTERS,
    settings_version,
    state_key_lines,
    state_keys_read,
)

_DEFAULT_SHARED_ID = "shared_id"
SERVICE_LEVEL_SECONDS = 60


def _words(
    label: str, help_text: str, *, max_length: int = 500, widget: forms.Widget | None = None
) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=max_length,
        widget=widget or forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": f"{label} is missing."},
    )


class ProjectSettingsForm(forms.Form):
    """What a project says, what its Handoff API adds, and what its tools may decide."""

    name = _words(
        "Name",
        "For you and your colleagues; end users do not see it. The project's address stays as it "
        "is.",
        max_length=120,
        widget=forms.TextInput(),
    )
    agent_name = _words(
        "Name of the AI agent",
        "Stands in the widget while the AI agent answers.",
        max_length=50,
        widget=forms.TextInput(),
    )
    greeting = _words("Greeting", "The first thing the AI agent says in a conversation.")
    no_match_text = _words(
        "Answer when no topic matches", "Say here how to reach a person, if that is possible."
    )
    state_keys = forms.CharField(
        label="Values of conv.state to add",
        required=False,
        max_length=8000,
        widget=forms.Textarea(
            attrs={
                "rows": 4,
                "class": "code",
                "spellcheck": "false",
                "placeholder": "order\ntier = customer_tier",
            }
        ),
        help_text="One name for each line. With an = behind it, the value is shown under that "
        "name. They come on top of conv.state.handoff, as they stand when the handoff begins.",
    )
    shared_id_state_key = forms.CharField(
        label="Value of conv.state that holds your own id",
        required=False,
        max_length=STATE_KEY_MAX_CHARACTERS,
        widget=forms.TextInput(attrs={"class": "code", "placeholder": _DEFAULT_SHARED_ID}),
        help_text="A conversation can be asked for by this id. Empty: shared_id.",
    )
    handoff_reasons = forms.CharField(
        label="Reasons for handing off",
        required=False,
        max_length=8000,
        widget=forms.Textarea(
            attrs={
                "rows": 5,
                "class": "code",
                "spellcheck": "false",
                "placeholder": "user_request = The end user asked for a person\n"
                "missing_knowledge = The AI agent has no answer",
            }
        ),
        help_text="One for each line: a code, an = and a label. The reason that a tool or an API "
        "gives is matched to a code or a label, however it is written; one that matches none is "
        "kept as it was said. Handoffs and conversations are filtered by it.",
    )
    allow_inline_overrides = forms.BooleanField(
        label="Allow inline overrides",
        required=False,
        help_text="A tool may then choose others than the saved connection has, by these hints in "
        f"its handoff: {overridable_hints()}. Off: such a handoff does not start, and the log says "
        "why. Credentials are never taken from a tool, and a role only from the connection's own "
        "list.",
    )
    time_zone = forms.CharField(
        label="Time zone",
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"class": "code", "placeholder": "Europe/Berlin"}),
        help_text="In which every time of these pages is shown, and whose days lists and analytics "
        "count; as IANA names it. Empty: UTC.",
    )
    service_level_seconds = forms.IntegerField(
        label="Service level, in seconds",
        required=False,
        min_value=1,
        max_value=86_400,
        help_text="Within how long a live agent should join. Analytics counts how often that "
        "happened, over the past as well. Empty: 60.",
    )
    version = forms.CharField(widget=forms.HiddenInput, required=False)

    SECTIONS = (
        ("Project", "", ("name",)),
        ("AI agent", "", ("agent_name", "greeting", "no_match_text")),
        (
            "Handoff API",
            "What a live agent's desktop gets when it asks about a conversation.",
            ("state_keys", "shared_id_state_key"),
        ),
        ("Handoffs", "", ("handoff_reasons", "allow_inline_overrides")),
        ("Analytics", "", ("time_zone", "service_level_seconds")),
    )

    @classmethod
    def for_project(cls, project: Project) -> ProjectSettingsForm:
        """Return the form filled with a project's settings."""
        plain = (
            *("name", "agent_name", "greeting", "no_match_text", "allow_inline_overrides"),
            *("time_zone", "service_level_seconds"),
        )
        initial: dict[str, Any] = {name: getattr(project, name) for name in plain}
        return cls(
            initial=initial
            | {
                "state_keys": "\n".join(state_key_lines(project.handoff_api)),
                "handoff_reasons": "\n".join(reason_lines(project.handoff_reasons)),
                "shared_id_state_key": project.handoff_api.get("shared_id_state_key", ""),
                "version": settings_version(project),
            }
        )

    def clean_greeting(self) -> str:
        """Return the greeting with plain line ends."""
        return _plain_lines(self.cleaned_data["greeting"])

    def clean_no_match_text(self) -> str:
        """Return the answer with plain line ends."""
        return _plain_lines(self.cleaned_data["no_match_text"])

    def clean_state_keys(self) -> dict[str, Any]:
        """Return the lists that the Handoff API keeps; the first line at fault is named."""
        try:
            return state_keys_read(self.cleaned_data["state_keys"].splitlines())
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def clean_handoff_reasons(self) -> list[Reason]:
        """Return the reasons; the first line at fault is named."""
        try:
            return reasons_read(self.cleaned_data["handoff_reasons"].splitlines())
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def clean_time_zone(self) -> str:
        """Return the zone; one that IANA does not name is refused."""
        zone = str(self.cleaned_data["time_zone"]).strip() or "UTC"
        if zone not in time_zones():
            raise ValidationError(f"“{zone[:40]}” is no time zone. One is named Europe/Berlin.")
        return zone

    def clean_service_level_seconds(self) -> int:
        """Return the seconds; what is usual where none are given."""
        return int(self.cleaned_data["service_level_seconds"] or SERVICE_LEVEL_SECONDS)

    def sections(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """Return heading, remark and fields of each card."""
        return [
            (heading, remark, [self[name] for name in names])
            for heading, remark, names in self.SECTIONS
        ]

    def settings(self, project: Project) -> dict[str, Any]:
        """Return what the form sets, beside what it does not know of the Handoff API."""
        values = dict(self.cleaned_data)
        values.pop("version")
        api = {**project.handoff_api, **values.pop("state_keys")}
        shared_id = values.pop("shared_id_state_key")
        api.pop("shared_id_state_key", None)
        if shared_id:
            api["shared_id_state_key"] = shared_id
        empty = [name for name in ("state_keys", "aliases") if not api[name]]
        return values | {"handoff_api": {n: v for n, v in api.items() if n not in empty}}

    def shown(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the settings as text, for those who may only read them."""
        return [
            (heading, [(str(field.label), _text(field.value())) for field in fields])
            for heading, _, fields in self.sections()
        ]


def _plain_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "On" if value else "Off"
    return str(value or "None")
