"""The form of a destination; its hints are read as those of a tool's payload would be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from conversations.ai_agent.destinations.services import NAME_MAX
from conversations.models import Destination
from handoffs.payload.hints import hints_read
from integrations.contract.hints import Notes, PayloadProblem
from integrations.contract.integration_keys import has_connector, payload_keys, vendor_name

_PROJECTS_CHOICE = ("", "The project's default agent system")
_IN_FIELDS = ("queue", "reason", "utterance")


def _line(label: str, help_text: str, maximum: int = 128, **attrs: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=maximum,
        required=False,
        widget=forms.TextInput(attrs=attrs),
    )


class DestinationForm(forms.Form):
    """A destination without its default mark; rules about names are the service's."""

    name = forms.CharField(
        max_length=NAME_MAX,
        help_text="What tools and topics call it, such as Billing. Capital letters do not count.",
    )
    description = _line("Description", "For you, and for a language model that chooses.", 500)
    kind = forms.ChoiceField(
        label="Who takes the conversation",
        choices=Destination.Kind.choices,
        widget=forms.RadioSelect,
        initial=Destination.Kind.TEXT_CHAT,
    )
    integration_key = forms.ChoiceField(label="Integration", required=False)
    queue = _line("Queue", "The queue at the vendor, as its integration takes it.")
    reason = _line("Reason", "Stands in the Handoff API and in reports. Empty: the name.")
    hints = forms.CharField(
        label="Further hints",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(
            attrs={
                "rows": 5,
                "class": "code",
                "spellcheck": "false",
                "placeholder": '{"priority": "high", "attributes": {"tier": "gold"}}',
            }
        ),
        help_text="A JSON object with the hints of a payload. What a tool says itself comes first.",
    )
    after_flow = forms.ChoiceField(
        label="When the live agent has left, begin",
        required=False,
        help_text="Where the AI agent goes on then. Otherwise the flow that handed over goes on.",
    )
    queue_name = _line(
        "Name that the client gets", "Sent as queue_name. Empty: the destination's name."
    )
    route = _line("Route", "Sent as route, such as a telephone number or an address of your app.")
    client_reason = forms.ChoiceField(
        label="Reason that the client gets",
        required=False,
        choices=Destination.ClientReason.choices,
        help_text="A tool that names one of the three as its reason comes first.",
    )

    def __init__(self, *args: Any, flows: Sequence[str] = (), **kwargs: Any) -> None:
        """Offer the integrations that a handoff can go to, and the project's flows."""
        super().__init__(*args, **kwargs)
        kept = self.initial.get("after_flow") or ""
        gone = [(kept, f"{kept} (no longer exists)")] if kept and kept not in flows else []
        follows = self.fields["after_flow"]
        assert isinstance(follows, forms.ChoiceField)
        follows.choices = [("", "No other flow"), *((name, name) for name in flows), *gone]
        keys = [key for key in payload_keys() if has_connector(key)]
        field = self.fields["integration_key"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [_PROJECTS_CHOICE, *((key, vendor_name(key)) for key in keys)]

    def clean(self) -> dict[str, Any]:
        """Read all hints together; each problem stands at the field that it is about."""
        found = super().clean() or {}
        if self.errors or found["kind"] != Destination.Kind.TEXT_CHAT:
            return found
        given = {name: found[name] for name in ("queue", "reason") if found[name]}
        notes = Notes()
        key = found["integration_key"] or None
        self._read = hints_read({**self._further(), **given}, key, "", notes)
        for problem in [*notes.problems, *notes.warnings]:
            self._blame(problem)
        return found

    def values(self) -> dict[str, Any]:
        """Return the columns of a valid form; what belongs to another kind is left empty."""
        found = self.cleaned_data
        values = {name: found[name] for name in ("name", "description", "kind")}
        is_chat = found["kind"] == Destination.Kind.TEXT_CHAT
        reasons = Destination.ClientReason
        return values | {
            "integration_key": found["integration_key"] if is_chat else "",
            "hints": self._read if is_chat else {},
            "after_flow": found["after_flow"] if is_chat else "",
            "queue_name": "" if is_chat else found["queue_name"].strip(),
            "route": "" if is_chat else found["route"].strip(),
            "client_reason": (not is_chat and found["client_reason"]) or reasons.AGENT_DECISION,
        }

    @classmethod
    def for_destination(cls, destination: Destination, flows: Sequence[str]) -> DestinationForm:
        """Return the form filled with a destination."""
        names = ("name", "description", "kind", "integration_key", "queue_name", "route")
        more = ("client_reason", "after_flow")
        initial = {name: getattr(destination, name) for name in (*names, *more)}
        rest = {n: value for n, value in destination.hints.items() if n not in _IN_FIELDS}
        initial |= {name: destination.hints.get(name, "") for name in ("queue", "reason")}
        initial["hints"] = json.dumps(rest, indent=2, ensure_ascii=False) if rest else ""
        return cls(initial=initial, flows=flows)

    def _further(self) -> dict[str, Any]:
        text = self.cleaned_data.get("hints", "").strip()
        try:
            found = json.loads(text) if text else {}
        except (ValueError, RecursionError) as error:
            raise ValidationError({"hints": f"This is no JSON: {error}."}) from error
        if not isinstance(found, dict):
            raise ValidationError({"hints": "Write a JSON object: pairs in curly brackets."})
        return found

    def _blame(self, problem: PayloadProblem) -> None:
        field = problem.path if problem.path in ("queue", "reason") else "hints"
        self.add_error(field, f"{problem.path}: {problem.message}.")
