"""The one field of a code."""

from __future__ import annotations

from django import forms


class CodeForm(forms.Form):
    """A code of the app, or a recovery code, however it is pasted."""

    code = forms.CharField(
        label="Code",
        max_length=40,
        error_messages={"required": "Code is missing. Enter the six digits that the app shows."},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "none",
                "spellcheck": "false",
                "class": "code",
            }
        ),
    )
