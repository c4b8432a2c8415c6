"""What end users read, key by key: ours in each language, and what a project says instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from integrations.behaviour.languages import DEFAULT, language_of, languages
from integrations.behaviour.sentence import places
from integrations.behaviour.sentences import SENTENCES
from integrations.behaviour.wording import WIDGET, own_words
from integrations.models import Project

LENGTH_MAX = 500
# As long as these may be in a survey.
_LENGTHS = {"survey_title": 60, "survey_question_bot": 200, "survey_question_live_agent": 200}
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One text that can be worded anew; `places` are the names it may hold in braces."""

    key: str
    usual: str
    places: tuple[str, ...] = ()
    label: str = ""

    @property
    def length(self) -> int:
        """How many characters it may have."""
        return _LENGTHS.get(self.key, LENGTH_MAX)


def phrases(language: str) -> dict[str, list[Phrase]]:
    """Return every text under the heading of who says it, as it is said without own words."""
    said: dict[str, list[Phrase]] = {"Handoffs, the AI agent and refusals": [], "Survey": []}
    for one in SENTENCES.values():
        group = "Survey" if one.key.startswith("survey_") else next(iter(said))
        usual, label = one.in_language_of(language), one.label
        said[group].append(
            Phrase(key=one.key, usual=usual, places=one.variables, label=label or one.en)
        )
    english, told = languages()[DEFAULT].widget, languages()[language].widget
    said["The widget"] = [
        Phrase(
            key=WIDGET + key,
            usual=told[key],
            places=tuple(_PLACE.findall(text)),
            label=text,
        )
        for key, text in english.items()
    ]
    return said


def widget_words_of(project_id: int, locale: str) -> dict[str, str]:
    """Return all that the widget says by itself, in a project's own words where it has some."""
    own = own_words(project_id, locale)
    found = {key: text for key, text in own.items() if key.startswith(WIDGET)}
    usual = languages()[language_of(locale)].widget
    return {**usual, **{key.removeprefix(WIDGET): text for key, text in found.items()}}


class WordsForm(forms.Form):
    """Every text of one language; what is left empty is said as it is shown in grey."""

    def __init__(
        self, language: str, data: Any = None, own: Mapping[str, str] | None = None
    ) -> None:
        """Offer the texts, filled with the project's own words."""
        super().__init__(data, initial=dict(own or {}))
        self._phrases = phrases(language)
        for one in (phrase for group in self._phrases.values() for phrase in group):
            self.fields[one.key] = forms.CharField(
                label=one.label,
                required=False,
                max_length=one.length,
                widget=forms.Textarea(
                    attrs={"rows": 2, "placeholder": one.usual, "lang": language, "dir": "auto"}
                ),
                help_text=_may_hold(one),
            )

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the fields under their headings."""
        return [(title, [self[one.key] for one in group]) for title, group in self._phrases.items()]

    def clean(self) -> dict[str, Any]:
        """Refuse places that nothing is ever put into."""
        found = super().clean() or {}
        for one in (phrase for group in self._phrases.values() for phrase in group):
            text = found.get(one.key) or ""
            named = _PLACE.findall(text) if one.key.startswith(WIDGET) else places(text)
            if unknown := sorted(set(named) - set(one.places)):
                told = ", ".join(unknown)
                self.add_error(one.key, f"Nothing is ever put into {told} here. {_may_hold(one)}")
        return found


def _may_hold(one: Phrase) -> str:
    if not one.places:
        return ""
    braces = ("{", "}") if one.key.startswith(WIDGET) else ("{{", "}}")
    return "It may hold " + ", ".join(f"{braces[0]}{name}{braces[1]}" for name in one.places) + "."


def own_count(project: Project) -> dict[str, int]:
    """Return how many texts a project words anew, by language."""
    return {code: len(own_words(project.pk, code)) for code in languages()}
