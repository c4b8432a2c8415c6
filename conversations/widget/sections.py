"""The parts of a widget's settings that have a page of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from django import forms

from conversations.models import Channel
from conversations.survey.forms import SurveyForm


class SectionForm(Protocol):
    """A form that knows what it shows of a channel, and what is to be saved of it."""

    cleaned_data: dict[str, Any]
    errors: Any

    @classmethod
    def initial_of(cls, channel: Channel) -> dict[str, Any]:
        """Return what the form shows of a channel."""

    def values(self, channel: Channel) -> dict[str, Any]:
        """Return the fields of the channel that are to be saved."""

    def is_valid(self) -> bool:
        """Say whether all that was typed can be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One page: its address, its name, why one goes there, and its form."""

    key: str
    title: str
    why: str
    form: Any
    has_preview: bool = False

    def form_of(self, channel: Channel, data: Any = None, files: Any = None) -> forms.Form:
        """Return the form, filled with the channel or with what was sent."""
        made: forms.Form = self.form(data, files, initial=self.form.initial_of(channel))
        return made


SECTIONS = {
    one.key: one
    for one in (
        Section(
            key="survey",
            title="Survey",
            why="What end users thought, asked once at the end and kept here, at no vendor.",
            form=SurveyForm,
        ),
    )
}
