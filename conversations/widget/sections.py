"""The parts of a widget's settings that have a page of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms

from conversations.models import Channel
from conversations.survey.forms import SurveyForm
from conversations.widget.before_form import BeforeForm
from conversations.widget.brand_form import BrandForm
from conversations.widget.identity_form import IdentityForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One page: its address, its name, why one goes there, and its form.

    The form's class has `initial_of(channel)`, what it shows of one; the form has
    `values(channel)`, the fields to be saved, and may have `saved(channel)` for all else.
    """

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
            key="brand",
            title="Look and words",
            why="Name, colours, picture, place and words, so that the widget looks like yours.",
            form=BrandForm,
            has_preview=True,
        ),
        Section(
            key="before",
            title="Before the chat",
            why="What end users accept and answer before a conversation begins.",
            form=BeforeForm,
            has_preview=True,
        ),
        Section(
            key="identity",
            title="Identity",
            why="Your server vouches for who is signed in on your page, by a signed token.",
            form=IdentityForm,
        ),
        Section(
            key="survey",
            title="Survey",
            why="What end users thought, asked once at the end and kept here, at no vendor.",
            form=SurveyForm,
        ),
    )
}
