"""The form of a webhook endpoint."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from conversations.models import WebhookEndpoint
from conversations.models.webhook import TIMEOUT_MS
from conversations.webhooks.endpoints import (
    NAME_MAX,
    TIMEOUT_MAX_MS,
    TIMEOUT_MIN_MS,
    URL_MAX,
    endpoint_url_problem,
    headers_problem,
)
from conversations.webhooks.event_types import WebhookType

_EVENTS = [(one.value, f"{one.value}: {one.label}") for one in WebhookType]


class EndpointForm(forms.Form):
    """An endpoint without its secret; headers are taken and never shown."""

    name = forms.CharField(
        max_length=NAME_MAX, label="Name", help_text="Which of your systems listens there."
    )
    url = forms.CharField(
        max_length=URL_MAX,
        label="Address",
        help_text="It must begin with https:// and answer with a status from 200 to 299.",
    )
    event_types = forms.MultipleChoiceField(
        choices=_EVENTS,
        widget=forms.CheckboxSelectMultiple,
        label="Events",
        error_messages={"required": "Choose at least one event."},
    )
    timeout_ms = forms.IntegerField(
        min_value=TIMEOUT_MIN_MS,
        max_value=TIMEOUT_MAX_MS,
        initial=TIMEOUT_MS,
        label="Timeout in milliseconds",
        help_text="An answer that takes longer counts as none, and the event is sent again.",
    )
    headers = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        label="Headers",
        help_text="Sent along with each call: one per line, such as X-Shop: north. "
        "What is stored is not shown; an empty field keeps it.",
    )
    clears_headers = forms.BooleanField(required=False, label="Remove the stored headers")
    is_enabled = forms.BooleanField(
        required=False,
        initial=True,
        label="Enabled",
        help_text="While it is off nothing is sent, and nothing new is kept for it.",
    )

    def clean_url(self) -> str:
        """Refuse what the portal may not call."""
        url: str = self.cleaned_data["url"]
        if problem := endpoint_url_problem(url):
            raise ValidationError(problem)
        return url

    def clean_headers(self) -> dict[str, str]:
        """Return the headers by name."""
        pairs = {}
        for line in filter(None, map(str.strip, self.cleaned_data["headers"].splitlines())):
            name, colon, value = line.partition(":")
            if not colon:
                raise ValidationError("Write each header as its name, a colon and its value.")
            pairs[name.strip()] = value.strip()
        if problem := headers_problem(pairs):
            raise ValidationError(problem)
        return pairs

    @property
    def values(self) -> dict[str, Any]:
        """Return the columns of a valid form."""
        names = ("name", "url", "event_types", "timeout_ms", "is_enabled")
        return {name: self.cleaned_data[name] for name in names}

    @property
    def chosen_headers(self) -> dict[str, str] | None:
        """Return the headers to store; None keeps those that are stored."""
        given: dict[str, str] = self.cleaned_data["headers"]
        return given if given or self.cleaned_data["clears_headers"] else None

    @classmethod
    def for_endpoint(cls, endpoint: WebhookEndpoint) -> EndpointForm:
        """Return the form filled with an endpoint."""
        shown = [name for name in cls.base_fields if name not in ("headers", "clears_headers")]
        return cls(initial={name: getattr(endpoint, name) for name in shown})
