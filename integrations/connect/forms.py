"""The Connect form, built from a manifest: drawing only, the judging is done by credentials.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from integrations.contract.manifest import CredentialField, FieldKind, Manifest
from integrations.credentials.cleaning import (
    CleanedCredentials,
    credentials_clean,
    fields_for_mode,
    is_required,
    mask,
    mode_of,
    pairs_to_lines,
)


class ConnectForm(forms.Form):
    """Shows stored values with secrets masked; after `is_valid()`, `cleaned` holds the outcome."""

    cleaned: CleanedCredentials

    def __init__(
        self,
        manifest: Manifest,
        *,
        stored: Mapping[str, str],
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Build one field for each credential of every connection type."""
        self.manifest = manifest
        self.stored = stored
        super().__init__(data=data, initial=_shown_values(manifest, stored))
        mode = mode_of(manifest, data if data is not None else stored)
        shown = fields_for_mode(manifest, mode)
        for item in manifest.fields:
            self.fields[item.name] = _form_field(item, mode, is_shown=item in shown)

    def clean(self) -> dict[str, Any]:
        """Judge the values with the code that serves every other way in."""
        raw = {item.name: _posted(item, self.data) for item in self.manifest.fields}
        self.cleaned = credentials_clean(self.manifest, raw, stored=self.stored)
        for name, error in self.cleaned.errors.items():
            self.add_error(name if name in self.fields else None, error)
        return dict(self.cleaned.values)

    def accepted_secrets(self) -> dict[str, str]:
        """Return the secrets that were typed and are good."""
        return {
            item.name: value
            for item in self.manifest.fields
            if item.kind.is_secret
            and (value := self.cleaned.values.get(item.name, ""))
            and value != self.stored.get(item.name)
        }

    def without_secrets(self) -> ConnectForm:
        """Return the form to show again: refused secrets are emptied, accepted ones masked."""
        data = {name: self.data.get(name, "") for name in self.fields}
        for item in self.manifest.fields:
            if item.kind is FieldKind.CHOICES:
                data[item.name] = _posted(item, self.data).split(",")
            if item.kind.is_secret:
                data[item.name] = mask(self.cleaned.values.get(item.name, ""))
        self.data = data
        return self


def _posted(item: CredentialField, data: Mapping[str, Any]) -> str:
    if item.kind is FieldKind.CHOICES and isinstance(data, QueryDict):
        return ",".join(data.getlist(item.name))
    value = data.get(item.name)
    return "" if value is None else str(value)


def _shown_values(manifest: Manifest, stored: Mapping[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for item in manifest.fields:
        value = stored.get(item.name, item.default)
        if item.kind.is_secret:
            value = mask(value)
        elif item.kind is FieldKind.KEY_VALUE:
            value = pairs_to_lines(value)
        shown[item.name] = value == "true" if item.kind is FieldKind.SWITCH else value
        if item.kind is FieldKind.CHOICES:
            shown[item.name] = value.split(",")
    return shown


def _form_field(item: CredentialField, mode: str, *, is_shown: bool) -> forms.Field:
    # Nothing is `required` for Django or the browser: one place decides, and says it in words.
    options: dict[str, Any] = {
        "label": item.label,
        "help_text": item.help_text,
        "required": False,
    }
    made: forms.Field
    if item.kind is FieldKind.CHOICE:
        made = forms.ChoiceField(choices=item.choices, **options)
        made.validate = lambda value: None  # type: ignore[method-assign]
    elif item.kind is FieldKind.CHOICES:
        ticks = forms.CheckboxSelectMultiple
        made = forms.MultipleChoiceField(choices=item.choices, widget=ticks, **options)
        made.validate = lambda value: None  # type: ignore[method-assign]
    elif item.kind is FieldKind.SWITCH:
        made = forms.BooleanField(**options)
    else:
        made = forms.CharField(widget=_widget(item), strip=False, **options)
    made.widget.attrs["aria-required"] = "true" if is_required(item, mode) else "false"
    # What the template asks of a field beyond Django's own.
    vars(made).update(
        modes=" ".join(item.shown_for_modes),
        is_shown=is_shown,
        is_required=bool(item.required or item.required_for_modes),
    )
    return made


def _widget(item: CredentialField) -> forms.Widget:
    plain = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
    if item.kind is FieldKind.MULTILINE_SECRET:
        return forms.Textarea(attrs={**plain, "rows": 6, "class": "code"})
    if item.kind is FieldKind.KEY_VALUE:
        return forms.Textarea(
            attrs={**plain, "rows": 4, "class": "code", "placeholder": "name = value"}
        )
    if item.kind is FieldKind.NUMBER:
        return forms.NumberInput(attrs={"min": item.minimum, "max": item.maximum})
    return forms.TextInput(attrs={**plain, "placeholder": item.example})
