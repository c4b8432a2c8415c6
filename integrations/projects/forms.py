"""The forms of projects and of API keys."""

from __future__ import annotations

from django import forms

from integrations.models import ApiKey

_LIVES = [("", "Never"), ("30", "30 days"), ("90", "90 days"), ("365", "1 year")]


class ProjectForm(forms.Form):
    """Asks for the name of a new project."""

    name = forms.CharField(
        max_length=120, label="Name", help_text="For instance the brand it speaks for."
    )


def _with_help() -> list[tuple[str, str]]:
    return [(one.value, f"{one.label}: {ApiKey.HELP[one]}") for one in ApiKey.Permission]


class ApiKeyForm(forms.Form):
    """Asks what a new key is called, what it may do and how long it lives."""

    name = forms.CharField(max_length=80, label="Name", help_text="Where the key will be used.")
    permissions = forms.MultipleChoiceField(
        choices=_with_help,
        widget=forms.CheckboxSelectMultiple,
        label="Permissions",
        error_messages={"required": "Choose at least one permission."},
    )
    expires_in_days = forms.ChoiceField(choices=_LIVES, required=False, label="Expires after")
