"""The forms of Secrets, Tool APIs and Values: rules live in the services, shapes here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from conversations.ai_agent.means.services import SecretValue, operations_read
from conversations.models import Secret, ToolApi, ToolValues
from integrations.models import Environment, Project

_CODE = {"class": "code", "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}


def _field_of(environment: str) -> str:
    return environment.replace("-", "_")


class SecretForm(forms.Form):
    """A secret: what it is called, who may read it, and a new value for any environment."""

    name = forms.CharField(
        max_length=80,
        help_text='How tools ask for it: conv.utils.get_secret("name").',
        widget=forms.TextInput(attrs=_CODE),
    )
    description = forms.CharField(
        max_length=200, required=False, help_text="What it opens, and where it can be renewed."
    )
    is_pairs = forms.BooleanField(
        required=False,
        label="Several values with names",
        help_text="Then each value below is written as lines such as user=ada, and tools get a "
        "dict.",
    )
    tool_names = forms.MultipleChoiceField(
        required=False,
        label="Tools that may read it",
        widget=forms.CheckboxSelectMultiple,
        help_text="Every other tool gets MissingAccess.",
    )

    def __init__(self, *args: Any, project: Project, secret: Secret | None, **kwargs: Any) -> None:
        """Offer the project's tools, and a box for each environment's value."""
        if secret and not args:
            first = next(iter(secret.values.values()), "")
            kwargs["initial"] = {
                "name": secret.name,
                "description": secret.description,
                "tool_names": secret.tool_names,
                "is_pairs": isinstance(first, dict),
            }
        super().__init__(*args, **kwargs)
        names = list(project.tools.values_list("name", flat=True))
        kept = [name for name in (secret.tool_names if secret else []) if name not in names]
        tools = self.fields["tool_names"]
        assert isinstance(tools, forms.MultipleChoiceField)
        tools.choices = [(name, name) for name in [*names, *kept]]
        for environment, label in Environment.choices:
            self._add_value(environment, str(label), secret)

    def _add_value(self, environment: str, label: str, secret: Secret | None) -> None:
        is_set = bool(secret and environment in secret.set_at)
        self.fields[f"value_{_field_of(environment)}"] = forms.CharField(
            required=False,
            strip=True,
            label=f"Value for {label}",
            widget=forms.Textarea(attrs={**_CODE, "rows": 2}),
            help_text="Set. Leave it empty to keep it; nobody can read it back."
            if is_set
            else "Not set: tools of this environment get SecretNotFound.",
        )
        if is_set:
            self.fields[f"remove_{_field_of(environment)}"] = forms.BooleanField(
                required=False, label=f"Take the value for {label} away"
            )

    def values(self) -> dict[str, SecretValue | None]:
        """Return the environments whose value changes."""
        found: dict[str, SecretValue | None] = {}
        for environment in Environment.values:
            text = self.cleaned_data.get(f"value_{_field_of(environment)}", "")
            if text:
                found[environment] = text
                if self.cleaned_data["is_pairs"]:
                    found[environment] = _pairs(text, f"value_{_field_of(environment)}")
            elif self.cleaned_data.get(f"remove_{_field_of(environment)}"):
                found[environment] = None
        return found


def _pairs(text: str, field: str) -> dict[str, str]:
    pairs = {}
    for line in text.splitlines():
        name, sign, value = line.partition("=")
        if line.strip():
            if not sign or not name.strip() or not value.strip():
                raise ValidationError({field: "Write each line as name=value."})
            pairs[name.strip()] = value.strip()
    return pairs


class ToolApiForm(forms.Form):
    """An API that tools may call."""

    name = forms.CharField(
        max_length=80,
        help_text="How tools call it: conv.api.name.operation(…).",
        widget=forms.TextInput(attrs=_CODE),
    )
    operations = forms.CharField(
        widget=forms.Textarea(attrs={**_CODE, "rows": 5}),
        help_text="One a line: a name, a method and a path, such as get GET /orders/{number}. "
        "Tools fill what stands in braces; other arguments go into the query, json= into the body.",
    )
    secret_name = forms.ChoiceField(
        required=False,
        label="Secret",
        help_text="Opens the API. The portal sends it in a header; tools never see it.",
    )
    header_name = forms.CharField(
        max_length=80, required=False, initial="Authorization", label="Header of the secret"
    )
    header_prefix = forms.CharField(
        max_length=40,
        required=False,
        strip=False,
        initial="Bearer ",
        label="Before the secret",
        help_text="With its space at the end, such as “Bearer ”.",
    )
    timeout_seconds = forms.IntegerField(
        min_value=1,
        max_value=20,
        initial=5,
        label="Time limit in seconds",
        help_text="An answer may have 256 KB. Waiting counts against the tool's own limit.",
    )

    def __init__(self, *args: Any, project: Project, api: ToolApi | None, **kwargs: Any) -> None:
        """Offer the project's secrets, and an address for each environment."""
        if api and not args:
            lines = (f"{one['name']} {one['method']} {one['path']}" for one in api.operations)
            names = ("name", "secret_name", "header_name", "header_prefix", "timeout_seconds")
            kwargs["initial"] = {name: getattr(api, name) for name in names}
            kwargs["initial"]["operations"] = "\n".join(lines)
            for environment, url in api.base_urls.items():
                kwargs["initial"][f"url_{_field_of(environment)}"] = url
        super().__init__(*args, **kwargs)
        secret = self.fields["secret_name"]
        assert isinstance(secret, forms.ChoiceField)
        names_there = Secret.objects.filter(project=project).values_list("name", flat=True)
        secret.choices = [("", "None"), *((name, name) for name in names_there)]
        for environment, label in Environment.choices:
            self.fields[f"url_{_field_of(environment)}"] = forms.CharField(
                required=False,
                max_length=500,
                label=f"Address for {label}",
                help_text="https, a public host, without ? and #. Empty: not called from there.",
            )

    def clean_operations(self) -> list[dict[str, str]]:
        """Return the operations; raises ValidationError with the line at fault."""
        return operations_read(self.cleaned_data["operations"].splitlines())

    def values(self) -> dict[str, Any]:
        """Return the fields of the row."""
        names = ("name", "operations", "secret_name", "header_name", "header_prefix")
        found = {name: self.cleaned_data[name] for name in (*names, "timeout_seconds")}
        found["base_urls"] = {
            environment: self.cleaned_data[f"url_{_field_of(environment)}"]
            for environment in Environment.values
            if self.cleaned_data[f"url_{_field_of(environment)}"]
        }
        return found


class ToolValuesForm(forms.Form):
    """What tools read without publishing."""

    config = forms.JSONField(
        label="Values",
        initial=dict,
        widget=forms.Textarea(attrs={**_CODE, "rows": 8}),
        help_text="A JSON object: conv.real_time_config. No secrets: tools of the project, and "
        "whoever may edit them, read it.",
    )
    translations = forms.JSONField(
        label="Texts by language",
        initial=dict,
        widget=forms.Textarea(attrs={**_CODE, "rows": 8}),
        help_text='conv.translations, such as {"hello": {"en": "Hello", "de": "Hallo"}}. '
        "Where a language is missing, English is read.",
    )

    @classmethod
    def for_project(cls, project: Project) -> ToolValuesForm:
        """Return the form filled with what is stored."""
        row = ToolValues.objects.filter(project=project).first()
        if row is None:
            return cls()
        return cls(initial={"config": row.config, "translations": row.translations})

    def clean(self) -> dict[str, Any]:
        """Require objects."""
        found = dict(super().clean() or {})
        for name in ("config", "translations"):
            if name in found and not isinstance(found[name] or {}, dict):
                self.add_error(name, "Write a JSON object, in curly brackets.")
        return found
