"""How a connection behaves beyond its credentials: one table gives form, check and default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, cast

from django import forms

from integrations.behaviour.context_names import names_read
from integrations.behaviour.screen_pop import SCREEN_POP_SETTINGS
from integrations.behaviour.setting import Setting
from integrations.behaviour.waiting import WAITING_SETTINGS, WaitingForm
from integrations.contract.integration_keys import vendor_name
from integrations.contract.manifest import Capability, Manifest
from integrations.models import Integration


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What the relay asks for; the defaults are those of a connection nobody touched."""

    display_name_source: Literal["vendor", "fixed", "hidden"] = "vendor"
    display_name_text: str = ""
    transcript_mode: Literal["full", "summary", "link", "none"] = "full"
    transcript_max_messages: int = 100
    transcript_link: bool = True
    summary: Literal["off", "short", "model"] = "off"
    standard_context: Literal["all", "named", "off"] = "all"
    context_names: str = ""  # lines, as context_names.py reads them
    mask_cards: bool = False
    mask_emails: bool = False
    wait_timeout_seconds: int = 0  # 0 waits for ever
    allow_user_end: bool = True
    stop_word: str = ""
    after_agent: Literal["end", "return_to_bot"] = "end"
    availability_check: Literal["off", "vendor", "hours", "both"] = "vendor"
    unknown_availability: Literal["available", "unavailable"] = "available"
    business_hours_zone: str = ""
    business_hours: str = ""  # lines, as business_hours.py reads them; empty is always open
    business_holidays: str = ""
    on_unavailable: Literal["queue", "fail", "fallback", "return_to_bot"] = "queue"
    fallback_integration: str = ""  # as fallbacks.fallback_name writes it
    queue_messages: Literal["off", "standard", "position", "time"] = "standard"
    queue_message_interval_seconds: int = 60
    inactivity_minutes: int = 0  # 0 never closes
    # Standard responses; empty is the built-in text.
    response_wait_update: str = ""
    response_wait_position: str = ""
    response_wait_time: str = ""
    response_looking_for_agent: str = ""
    response_no_agents: str = ""
    response_out_of_hours: str = ""
    response_ticket_opened: str = ""
    response_inactivity_warning: str = ""
    response_conversation_closed: str = ""
    read_receipts: bool = True
    typing: bool = True
    attachments_user: bool = True
    attachments_agent: bool = True


def behaviour_of(integration: Integration) -> Behaviour:
    """Return the stored behaviour; a value stored under an unknown name is ignored."""
    known = {item.name for item in fields(Behaviour)}
    stored = {name: value for name, value in integration.behaviour.items() if name in known}
    return Behaviour(**stored)


_RECEIPTS = frozenset({Capability.READ_RECEIPT_IN, Capability.READ_RECEIPT_OUT})
_TYPING = frozenset({Capability.TYPING_IN, Capability.TYPING_OUT})
_TRANSCRIPT = frozenset({Capability.TRANSCRIPT})
# What matters where no live agent ever joins.
_WITH_TICKETS = frozenset(
    {"transcript_mode", "transcript_max_messages", "transcript_link", "summary"}
    | {"standard_context", "context_names", "mask_cards", "mask_emails", "response_ticket_opened"}
)

_SETTINGS = (
    Setting(
        name="display_name_source",
        group="What the end user sees",
        field=forms.ChoiceField(
            label="Name of the live agent",
            choices=[
                ("vendor", "As {vendor} gives it"),
                ("fixed", "Always the same name"),
                ("hidden", "No name"),
            ],
        ),
    ),
    Setting(
        name="display_name_text",
        group="What the end user sees",
        field=forms.CharField(
            label="Name to show",
            required=False,
            max_length=60,
            help_text="For every live agent, when the name is always the same.",
        ),
    ),
    Setting(
        name="typing",
        group="What the end user sees",
        field=forms.BooleanField(label="Typing is shown, both ways", required=False),
        needs=_TYPING,
    ),
    Setting(
        name="read_receipts",
        group="What the end user sees",
        field=forms.BooleanField(label="Read receipts are passed on, both ways", required=False),
        needs=_RECEIPTS,
    ),
    Setting(
        name="attachments_user",
        group="What the live agent gets",
        field=forms.BooleanField(label="The end user may send files", required=False),
        needs=frozenset({Capability.ATTACHMENT_OUT}),
    ),
    Setting(
        name="attachments_agent",
        group="What the end user sees",
        field=forms.BooleanField(label="Files of the live agent are shown", required=False),
        needs=frozenset({Capability.ATTACHMENT_IN}),
    ),
    Setting(
        name="transcript_mode",
        group="What the live agent gets",
        field=forms.ChoiceField(
            label="Transcript",
            choices=[
                ("full", "What was said before"),
                ("summary", "A summary alone"),
                ("link", "A summary, and a link to what was said"),
                ("none", "Nothing"),
            ],
        ),
        needs=_TRANSCRIPT,
    ),
    Setting(
        name="transcript_max_messages",
        group="What the live agent gets",
        field=forms.IntegerField(
            label="Messages to send",
            min_value=1,
            max_value=500,
            help_text="The newest of them, 1 to 500.",
        ),
        needs=_TRANSCRIPT,
    ),
    *SCREEN_POP_SETTINGS,
    Setting(
        name="wait_timeout_seconds",
        group="Waiting and ending",
        field=forms.IntegerField(
            label="Give up waiting after",
            min_value=0,
            max_value=86400,
            help_text="Seconds, 10 to 86400. 0 waits for ever.",
        ),
    ),
    Setting(
        name="allow_user_end",
        group="Waiting and ending",
        field=forms.BooleanField(
            label="The end user may end the live conversation", required=False
        ),
    ),
    Setting(
        name="stop_word",
        group="Waiting and ending",
        field=forms.CharField(
            label="Word that ends the live conversation",
            required=False,
            max_length=40,
            help_text="Compared with the whole message, upper and lower case alike. Empty: none.",
        ),
    ),
    Setting(
        name="after_agent",
        group="Waiting and ending",
        field=forms.ChoiceField(
            label="After the live agent leaves",
            choices=[("end", "End the conversation"), ("return_to_bot", "The AI agent goes on")],
        ),
    ),
)


def _has_effect(setting: Setting, manifest: Manifest) -> bool:
    if manifest.only_for_tools or manifest.channel:
        return False
    if not manifest.takes_live_chats and setting.name not in _WITH_TICKETS:
        return False
    return not setting.needs or bool(setting.needs & manifest.capabilities)


def _name_vendor(field: forms.Field, vendor: str) -> None:
    """Put the vendor's name where the settings' words leave a place for it."""
    field.label = str(field.label).replace("{vendor}", vendor)
    field.help_text = str(field.help_text).replace("{vendor}", vendor)
    if isinstance(field, forms.ChoiceField):
        choices = cast(Iterable[tuple[str, str]], field.choices)
        field.choices = [(value, words.replace("{vendor}", vendor)) for value, words in choices]


class BehaviourForm(WaitingForm):
    """The settings that have an effect with this vendor."""

    def __init__(
        self,
        manifest: Manifest,
        behaviour: Behaviour,
        *,
        data: Mapping[str, Any] | None = None,
        fallbacks: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Leave out what the vendor cannot do; `fallbacks` are the other integrations."""
        super().__init__(data=data, initial=asdict(behaviour))
        self._offered = [s for s in (*_SETTINGS, *WAITING_SETTINGS) if _has_effect(s, manifest)]
        for setting in self._offered:
            self.fields[setting.name] = deepcopy(setting.field)
        if manifest.takes_live_chats:
            self.offer(manifest, fallbacks)
        for field in self.fields.values():
            _name_vendor(field, vendor_name(manifest.integration_key))

    def groups(self) -> dict[str, list[forms.BoundField]]:
        """Return the bound fields under their headings, in order."""
        grouped: dict[str, list[forms.BoundField]] = {}
        for setting in self._offered:
            grouped.setdefault(setting.group, []).append(self[setting.name])
        return grouped

    def clean(self) -> dict[str, Any]:
        """Judge the texts."""
        self.clean_responses()
        return self.cleaned_data

    def clean_context_names(self) -> str:
        """Name the first line that cannot be read."""
        text: str = self.cleaned_data["context_names"]
        try:
            names_read(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return text

    def clean_display_name_text(self) -> str:
        """Ask for a name where it is always the same."""
        text: str = self.cleaned_data["display_name_text"]
        if self.cleaned_data.get("display_name_source") == "fixed" and not text:
            raise forms.ValidationError("Enter the name that every live agent is shown with.")
        return text

    def clean_wait_timeout_seconds(self) -> int:
        """Refuse waits that are too short for any live agent."""
        seconds: int = self.cleaned_data["wait_timeout_seconds"]
        if 0 < seconds < 10:
            raise forms.ValidationError("Enter 0, or 10 to 86400 seconds.")
        return seconds
