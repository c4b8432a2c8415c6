"""The forms of Settings > Retention."""

from __future__ import annotations

from django import forms

from integrations.projects.retention import Retention

_MOST_DAYS = 3650


def _days(label: str, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=0,
        max_value=_MOST_DAYS,
        help_text=help_text,
        error_messages={
            "required": f"{label}: enter a number of days, 0 to keep them for ever.",
            "invalid": f"{label}: enter a whole number of days.",
            "min_value": f"{label}: enter 0 or more days.",
            "max_value": f"{label}: enter {_MOST_DAYS} days at most, or 0 to keep them for ever.",
        },
    )


class RetentionForm(forms.Form):
    """How many days what is kept."""

    conversation_days = _days(
        "Conversations",
        "Days after a conversation has ended. Then it is deleted with all that was said, its "
        "handoffs, files, notes and calls. 0 keeps them for ever.",
    )
    log_days = _days("Log entries", "Days after a line was written. 0 keeps them for ever.")

    def kept(self) -> Retention:
        """Return what was chosen."""
        return Retention(**self.cleaned_data)


class EraseForm(forms.Form):
    """Why somebody is erased, and that it is meant."""

    reason = forms.CharField(
        label="Why",
        max_length=200,
        help_text="For your records, such as the number of the request. Without the person's name.",
        error_messages={"required": "Write why, for your records."},
    )
    confirm_name = forms.CharField(
        label="Type what the person is known as to confirm",
        max_length=255,
        error_messages={"required": "Type the name that stands above the form."},
    )

    def __init__(self, *args: object, known_as: str, **kwargs: object) -> None:
        """Take what must be typed."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._known_as = known_as

    def clean_confirm_name(self) -> str:
        """Refuse what is somebody else."""
        typed: str = self.cleaned_data["confirm_name"].strip()
        if typed != self._known_as:
            raise forms.ValidationError(f"That does not match. Type {self._known_as}.")
        return typed
