"""The table of what Baton says to end users: whole in every language, in the end user's own."""

from __future__ import annotations

import json
import re

import pytest

from integrations.behaviour.languages import WORDS, languages
from integrations.behaviour.responses import response_text
from integrations.behaviour.sentence import places
from integrations.behaviour.sentences import SENTENCES, own_or, sentence
from integrations.models import Project

FURTHER = [one for one in languages().values() if one.code != "en"]
_PLACE = re.compile(r"\{\w+\}")


@pytest.mark.parametrize("one", SENTENCES.values(), ids=lambda one: one.key)
def test_every_language_has_the_text_with_the_same_places(one):
    texts = [language.sentences[one.key] for language in FURTHER]

    assert len({one.en, *texts}) == 1 + len(texts)
    assert [set(places(text)) for text in texts] == [set(places(one.en))] * len(texts)
    assert set(places(one.en)) <= set(one.variables)


@pytest.mark.parametrize("language", FURTHER, ids=lambda language: language.code)
def test_every_language_has_the_widgets_words_with_the_same_places_and_no_others(language):
    held = json.loads((WORDS / f"{language.code}.json").read_text())
    english = languages()["en"].widget

    assert [*held["widget"]] == [*english]
    assert [*held["sentences"]] == [*SENTENCES]
    for key, text in held["widget"].items():
        assert set(_PLACE.findall(text)) == set(_PLACE.findall(english[key])), key


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("de", "Sie sind Nummer 3 in der Reihe."),
        ("de-CH", "Sie sind Nummer 3 in der Reihe."),
        ("DE_at", "Sie sind Nummer 3 in der Reihe."),
        ("ar-EG", "رقمك في قائمة الانتظار 3."),
        ("en-GB", "You are number 3 in the queue."),
        ("den", "You are number 3 in the queue."),
        ("", "You are number 3 in the queue."),
    ],
)
def test_the_locale_picks_the_language_and_english_is_the_rest(locale, text):
    assert sentence("wait_position", locale, queue_position=3) == text


def test_an_admins_own_words_win_in_every_language():
    own = {"response_no_agents": "Nobody is in the shop."}

    assert response_text(own, "no_agents", "de") == "Nobody is in the shop."
    assert response_text({}, "no_agents", "de") == "Im Moment kann niemand übernehmen."


@pytest.mark.parametrize(
    ("field", "key"), [("greeting", "greeting"), ("no_match_text", "no_match")]
)
def test_what_every_project_begins_with_is_said_in_the_end_users_language(field, key):
    given = Project._meta.get_field(field).default

    assert given == SENTENCES[key].en
    assert own_or(given, key, "de") == languages()["de"].sentences[key]
    assert own_or("Grüezi!", key, "de") == "Grüezi!"
    assert own_or("", key, "de") == languages()["de"].sentences[key]
