"""One text that Baton may say to an end user, and how it is filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from integrations.behaviour.languages import language_of, languages

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One text in English; `variables` are the names it may hold in double braces.

    With a `label` it is a standard response: an admin may word it anew for an integration.
    """

    key: str
    en: str
    variables: tuple[str, ...] = ()
    label: str = ""

    @property
    def setting(self) -> str:
        """The name under which an integration keeps its own wording."""
        return f"response_{self.key}"

    def in_language_of(self, locale: str) -> str:
        """Return the text for a locale such as de-CH; English where there is none."""
        return languages()[language_of(locale)].sentences.get(self.key) or self.en


class Tongue(str):
    """A locale that knows a project's own words in its language, by key."""

    __slots__ = ("own",)

    own: Mapping[str, str]

    def __new__(cls, locale: str, own: Mapping[str, str]) -> Tongue:
        """Be the locale itself wherever a text is wanted."""
        made = super().__new__(cls, locale)
        made.own = own
        return made


def filled(text: str, values: dict[str, object]) -> str:
    """Fill in what stands in double braces; a place for which there is no value becomes empty."""
    return _PLACE.sub(lambda place: str(values.get(place[1], "")), text)


def places(text: str) -> list[str]:
    """Return the names that stand in double braces."""
    return _PLACE.findall(text)
