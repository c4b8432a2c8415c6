"""Forms of the portal that are not built from a manifest."""

from __future__ import annotations

from django import forms


class ProjectForm(forms.Form):
    """Asks for the name of a new project."""

    name = forms.CharField(max_length=120, label="Name", help_text="For instance the brand.")
