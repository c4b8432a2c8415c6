"""What happens before a live agent joins, and when nobody can: settings, and what they may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django import forms

from integrations.behaviour.opening_hours import holidays_read, weekly_read, zone_read
from integrations.behaviour.responses import (
    MAX_LENGTH,
    RESPONSES,
    unknown_variables,
)
from integrations.behaviour.sentence import Sentence
from integrations.behaviour.setting import Setting
from integrations.contract.manifest import Capability, Manifest

_NOBODY = "When nobody is available"
_WAITING = "While waiting"
_SILENCE = "Waiting and ending"
_TEXTS = "Standard responses"
_CHECKS = (
    ("off", "No"),
    ("vendor", "Ask {vendor}"),
    ("hours", "By the opening hours"),
    ("both", "By the opening hours, then ask {vendor}"),
)
_NOT_ASKED = "{vendor} cannot be asked; opening hours can be checked."
_NEED_PROBE = ("vendor", "both")
_NEED_HOURS = ("hours", "both")
# What a check means where the vendor cannot be asked.
_WITHOUT_PROBE = {"vendor": "off", "both": "hours"}


def _lines(label: str, help_text: str, placeholder: str) -> forms.Field:
    widget = forms.Textarea(attrs={"rows": 4, "class": "code", "placeholder": placeholder})
    return forms.CharField(
        label=label, help_text=help_text, required=False, max_length=4000, widget=widget
    )


_SETTINGS = (
    Setting(
        name="availability_check",
        group=_NOBODY,
        field=forms.ChoiceField(
            label="Check before handing off",
            choices=_CHECKS,
            help_text="An answer takes 3 seconds at most. Not asked where the end user is put in "
            "the queue in any case.",
        ),
    ),
    Setting(
        name="unknown_availability",
        group=_NOBODY,
        field=forms.ChoiceField(
            label="If {vendor} does not say",
            choices=[
                ("available", "Somebody counts as available"),
                ("unavailable", "Nobody counts as available"),
            ],
        ),
        needs=frozenset({Capability.AVAILABILITY}),
    ),
    Setting(
        name="business_hours_zone",
        group=_NOBODY,
        field=forms.CharField(
            label="Time zone of the opening hours",
            required=False,
            max_length=60,
            widget=forms.TextInput(attrs={"placeholder": "Europe/Berlin"}),
            help_text="By its IANA name. Summer time is taken care of.",
        ),
    ),
    Setting(
        name="business_hours",
        group=_NOBODY,
        field=_lines(
            "Opening hours",
            "One line for each range of days: Mon-Fri 09:00-12:00, 13:00-17:30. What follows # is "
            "a remark. Past midnight needs two lines, up to 24:00 and from 00:00.",
            "Mon-Fri 09:00-17:30\nSat 10:00-14:00",
        ),
    ),
    Setting(
        name="business_holidays",
        group=_NOBODY,
        field=_lines(
            "Holidays",
            "One date for each line, such as 2026-12-25. With hours after it, such as "
            "2026-12-24 09:00-12:00, they hold instead of the weekday's.",
            "2026-12-25",
        ),
    ),
    Setting(
        name="on_unavailable",
        group=_NOBODY,
        field=forms.ChoiceField(
            label="If nobody is available",
            choices=[
                ("queue", "Wait in {vendor}'s queue"),
                ("fail", "Say that the handoff failed"),
                ("fallback", "Try another integration"),
                ("return_to_bot", "The AI agent says so and goes on"),
            ],
            help_text="The other integration is also tried when this one cannot be reached. "
            "A tool may decide otherwise for one handoff with on_unavailable.",
        ),
    ),
    Setting(
        name="fallback_integration",
        group=_NOBODY,
        field=forms.ChoiceField(
            label="Integration to try then",
            required=False,
            help_text="A live-agent integration, or one for tickets. It is tried once; if it "
            "fails as well, the handoff has failed.",
        ),
    ),
    Setting(
        name="queue_messages",
        group=_WAITING,
        field=forms.ChoiceField(
            label="Messages while waiting",
            choices=[
                ("off", "None"),
                ("standard", "A text, with place or time where known"),
                ("position", "The place in the queue"),
                ("time", "The expected time"),
            ],
            help_text="Where {vendor} tells neither place nor time, it is the text.",
        ),
    ),
    Setting(
        name="queue_message_interval_seconds",
        group=_WAITING,
        field=forms.IntegerField(
            label="Repeat every",
            min_value=15,
            max_value=600,
            help_text="Seconds, 15 to 600.",
        ),
    ),
    Setting(
        name="inactivity_minutes",
        group=_SILENCE,
        field=forms.IntegerField(
            label="Close after silence of",
            min_value=0,
            max_value=1440,
            help_text="Minutes without a word while a live agent is present, 0 to 1440; the end "
            "user is warned a minute before. 0: {vendor}'s own timer alone.",
        ),
    ),
)


def _response_setting(response: Sentence) -> Setting:
    names = ", ".join(f"{{{{{name}}}}}" for name in response.variables)
    return Setting(
        name=response.setting,
        group=_TEXTS,
        field=forms.CharField(
            label=response.label,
            required=False,
            max_length=MAX_LENGTH,
            widget=forms.Textarea(attrs={"rows": 2, "placeholder": response.en}),
            help_text=f"Empty: as shown. May hold {names}." if names else "Empty: as shown.",
        ),
    )


WAITING_SETTINGS = (*_SETTINGS, *map(_response_setting, RESPONSES))


class WaitingForm(forms.Form):
    """The part of the Behaviour form that these settings need judged."""

    def offer(self, manifest: Manifest, fallbacks: Iterable[tuple[str, str]]) -> None:
        """Fill in the choices that depend on the vendor and on what else is connected."""
        has_probe = Capability.AVAILABILITY in manifest.capabilities
        told = manifest.availability or ("" if has_probe else _NOT_ASKED)
        check = self.fields["availability_check"]
        check.help_text = f"{told} {check.help_text}".strip()
        checks = [choice for choice in _CHECKS if has_probe or choice[0] not in _NEED_PROBE]
        self._set_choices("availability_check", checks)
        self._stored_check = str(self.initial.get("availability_check", ""))
        if not has_probe:
            shown = _WITHOUT_PROBE.get(self._stored_check, self._stored_check)
            self.initial["availability_check"] = shown
        self._set_choices("fallback_integration", [("", "None"), *fallbacks])

    def _set_choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean_availability_check(self) -> str:
        """Keep what is stored where the form can only show what it comes to."""
        chosen: str = self.cleaned_data["availability_check"]
        is_same = self.initial["availability_check"] == chosen
        return self._stored_check if is_same else chosen

    def clean_business_hours_zone(self) -> str:
        """Take an IANA name; whether one is needed, the hours decide."""
        name: str = self.cleaned_data["business_hours_zone"]
        if name:
            _judge(zone_read, name)
        return name

    def clean_business_hours(self) -> str:
        """Name the first line that cannot be read; hours need a zone."""
        text: str = self.cleaned_data["business_hours"]
        _judge(weekly_read, text)
        if text.strip() and self.cleaned_data.get("business_hours_zone") == "":
            raise forms.ValidationError("Enter the time zone of these hours as well.")
        if not text.strip() and self.cleaned_data.get("availability_check") in _NEED_HOURS:
            raise forms.ValidationError("Enter the opening hours to check by.")
        return text

    def clean_business_holidays(self) -> str:
        """Name the first line that cannot be read."""
        text: str = self.cleaned_data["business_holidays"]
        _judge(holidays_read, text)
        return text

    def clean_fallback_integration(self) -> str:
        """Ask for an integration where one is to be tried."""
        chosen: str = self.cleaned_data["fallback_integration"]
        if self.cleaned_data.get("on_unavailable") == "fallback" and not chosen:
            raise forms.ValidationError(
                "Choose the integration to try. Another one must be connected in this environment."
            )
        return chosen

    def clean_responses(self) -> None:
        """Refuse places that would stay empty in every text."""
        for response in RESPONSES:
            unknown = unknown_variables(response, self.cleaned_data.get(response.setting, ""))
            if unknown:
                known = ", ".join(f"{{{{{name}}}}}" for name in response.variables) or "nothing"
                message = f"{{{{{unknown[0]}}}}} is not filled in here; this text may hold {known}."
                self.add_error(response.setting, message)


def _judge(read: Callable[[str], object], text: str) -> None:
    try:
        read(text)
    except ValueError as error:
        raise forms.ValidationError(str(error)) from error
