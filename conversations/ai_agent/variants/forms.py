"""The form of a variant."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from conversations.ai_agent.variants.services import (
    attribute_lines,
    attributes_read,
    language_problem,
)
from conversations.models import Variant
from integrations.contract.integration_keys import payload_keys, vendor_name
from integrations.models import Project

_PLAIN = ("name", "is_default", "language", "greeting", "integration_key", "credential_set")


class VariantForm(forms.Form):
    """A variant's words, and where its handoffs go."""

    name = forms.CharField(
        max_length=64, help_text="Tools read it as conv.variant_name, and switch by it."
    )
    is_default = forms.BooleanField(
        required=False,
        label="Default",
        help_text="For conversations that name no variant. One variant at most is the default.",
    )
    language = forms.CharField(
        max_length=35,
        required=False,
        help_text="Such as de or en-GB. A language that the client names itself comes first, one "
        "that is only the browser's does not.",
        widget=forms.TextInput(attrs={"class": "code", "placeholder": "en-GB"}),
    )
    greeting = forms.CharField(
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Instead of the project's greeting.",
    )
    integration_key = forms.ChoiceField(
        required=False,
        label="Handoffs go to",
        help_text="Where a tool, topic or flow names no integration itself.",
    )
    credential_set = forms.ChoiceField(
        required=False,
        label="Credential set",
        help_text="Which of several connections to the same vendor. A tool that names one wins.",
    )
    attributes = forms.CharField(
        max_length=8000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "code", "placeholder": "brand = Birch"}),
        help_text="One name = text for each line. Tools read conv.variant.brand.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        """Offer the vendors that the project has a connection to."""
        super().__init__(*args, **kwargs)
        used = set(project.integrations.values_list("integration_key", flat=True))
        kept = self.initial.get("integration_key", "")
        keys = [key for key in payload_keys() if key in used or key == kept]
        field: forms.ChoiceField = self.fields["integration_key"]  # type: ignore[assignment]
        default = ("", "The environment's default agent system")
        field.choices = [default, *((key, vendor_name(key)) for key in keys)]
        sets: forms.ChoiceField = self.fields["credential_set"]  # type: ignore[assignment]
        sets.choices = _sets(project, self.initial.get("credential_set", ""))

    @classmethod
    def for_variant(cls, variant: Variant) -> VariantForm:
        """Return the form filled with a variant."""
        initial = {name: getattr(variant, name) for name in _PLAIN}
        lines = attribute_lines(variant.attributes)
        return cls(initial={**initial, "attributes": lines}, project=variant.project)

    def clean_language(self) -> str:
        """Return the language tag."""
        language: str = self.cleaned_data["language"].strip()
        if problem := language_problem(language):
            raise ValidationError(problem)
        return language

    def clean_attributes(self) -> dict[str, str]:
        """Return the attributes; the first line at fault is named."""
        try:
            return attributes_read(self.cleaned_data["attributes"].splitlines())
        except ValueError as error:
            raise ValidationError(str(error)) from error


def _sets(project: Project, kept: str) -> list[tuple[str, str]]:
    """Return the credential sets of a project's connections; one that is gone stays, marked."""
    rows = project.integrations.order_by("credential_set")
    names = list(rows.values_list("credential_set", flat=True).distinct())
    gone = [(kept, f"{kept} (no longer exists)")] if kept and kept not in names else []
    return [("", "The usual one"), *((name, name) for name in names), *gone]
