"""The form of a webchat channel."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from conversations.ai_agent.forms import LinesField
from conversations.models import Channel
from conversations.widget.channels import ALLOWED_ORIGINS_MAX, accent_read, origin_read
from integrations.models import Environment, Project


class ChannelForm(forms.Form):
    """A webchat channel, without its keys."""

    name = forms.CharField(
        max_length=80, help_text="For you and your colleagues; end users do not see it."
    )
    environment = forms.ChoiceField(
        choices=Environment.choices,
        help_text="Handoffs of this widget use the integrations of this environment.",
    )
    title = forms.CharField(max_length=60, help_text="Stands on top of the widget.")
    accent = forms.CharField(
        max_length=7,
        label="Accent colour",
        widget=forms.TextInput(attrs={"type": "color"}),
        help_text="Bubble, header and the end user's own messages.",
    )
    allowed_origins = LinesField(
        read=origin_read,
        maximum=ALLOWED_ORIGINS_MAX,
        rows=4,
        label="Allowed pages",
        help_text="The pages and apps that may carry the widget, one per line: a host such as "
        "example.com, bücher.example or localhost:3000; an app’s id such as com.example.My_App; a "
        "page inside an app, such as capacitor://localhost. Subdomains are included, and so is "
        "this portal. null is no page: sandboxed frames need allow-same-origin. On every other "
        "page nothing appears, and the server refuses too.",
    )
    variant_id = forms.ChoiceField(
        required=False,
        label="Variant",
        help_text="Whose greeting, language and connection its conversations have, where a session "
        "names none itself.",
    )
    handoff_mode = forms.ChoiceField(
        choices=Channel.HandoffMode.choices,
        required=False,
        label="Over the Chat API, handoffs are carried out by",
        help_text="The client routes by itself and the portal opens nothing, or the portal opens "
        "the vendor’s conversation as it does for the widget.",
    )
    allows_apps = forms.BooleanField(
        label="Mobile apps",
        required=False,
        help_text="An app with PolyAI’s iOS or Android SDK goes on with its conversation after it "
        "has slept, with a new token: whoever knows the session’s id may read it. Leave it off "
        "where no app uses this widget’s key.",
    )
    is_enabled = forms.BooleanField(
        label="Enabled",
        required=False,
        help_text="A disabled widget opens no new conversation.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        """Offer the project's variants; a channel keeps one that is gone."""
        super().__init__(*args, **kwargs)
        known = {row.public_id: row.name for row in project.variants.all()}
        kept = self.initial.get("variant_id", "")
        gone = {kept: f"{kept} (no longer exists)"} if kept and kept not in known else {}
        field: forms.ChoiceField = self.fields["variant_id"]  # type: ignore[assignment]
        field.choices = [("", "The default variant, or none"), *known.items(), *gone.items()]

    def clean_accent(self) -> str:
        """Return the colour as #rrggbb."""
        try:
            return accent_read(self.cleaned_data["accent"])
        except ValueError as error:
            raise ValidationError(f"{error}.".capitalize()) from error

    def clean_handoff_mode(self) -> str:
        """Fall back to the client, as the Chat API’s documentation has it."""
        return str(self.cleaned_data["handoff_mode"] or Channel.HandoffMode.CLIENT)

    @classmethod
    def for_channel(cls, channel: Channel) -> ChannelForm:
        """Return the form filled with a channel."""
        initial = {name: getattr(channel, name) for name in cls.base_fields}
        return cls(initial=initial, prefix=str(channel.pk), project=channel.project)
