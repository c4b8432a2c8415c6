"""The form of the keys with which a customer's server vouches for its end users."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from conversations.models import Channel
from conversations.widget.verified_context import context_key_make

KEYS_MAX = 3


class IdentityForm(forms.Form):
    """Make a key, or remove some; a secret is shown once."""

    makes_key = forms.BooleanField(
        label="Make a new key",
        required=False,
        help_text="Its secret is shown once, on the next page. Keep it on your server: whoever has "
        "it can speak for any of your end users.",
    )
    removes = forms.MultipleChoiceField(
        label="Remove keys",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Tokens signed with a removed key are refused at once.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the keys there are."""
        super().__init__(*args, **kwargs)
        kept = list(self.initial.get("keys", []))
        self.shown_once = ("", "")
        self._kept = kept
        field: forms.MultipleChoiceField = self.fields["removes"]  # type: ignore[assignment]
        field.choices = [(one, one) for one in kept]
        if not kept:
            del self.fields["removes"]

    @classmethod
    def initial_of(cls, channel: Channel) -> dict[str, Any]:
        """Return the ids of the keys, never a secret."""
        return {"keys": sorted(channel.context_keys or {})}

    def clean(self) -> dict[str, Any]:
        """Bound the number of keys: one in use, one to change over to, one to spare."""
        found = super().clean() or {}
        left = set(self._kept) - set(found.get("removes") or [])
        if found.get("makes_key") and len(left) >= KEYS_MAX:
            raise ValidationError(f"There may be {KEYS_MAX} keys. Remove one first.")
        return found

    def values(self, channel: Channel) -> dict[str, Any]:
        """Return the channel's keys as they are to be."""
        removed = set(self.cleaned_data.get("removes") or [])
        kept = channel.context_keys or {}
        channel.context_keys = {key: kept[key] for key in kept if key not in removed}
        if self.cleaned_data["makes_key"]:
            self.shown_once = context_key_make(channel)
        return {"context_keys": channel.context_keys}
