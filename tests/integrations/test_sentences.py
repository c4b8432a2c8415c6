"""The table of what Baton says to end users: whole in every language, in the end user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrations.behaviour.responses import response_text
from integrations.behaviour.sentence import places
from integrations.behaviour.sentences import SENTENCES, own_or, sentence
from integrations.models import Project

WORDS = Path("conversations/static/conversations/widget/words")


@pytest.mark.parametrize("one", SENTENCES.values(), ids=lambda one: one.key)
def test_every_language_has_the_text_with_the_same_places(one):
    assert one.en and one.de and one.ar
    assert len({one.en, one.de, one.ar}) == 3
    assert set(places(one.en)) == set(places(one.de)) == set(places(one.ar))
    assert set(places(one.en)) <= set(one.variables)


def test_the_languages_are_those_of_the_widget():
    assert {path.stem for path in WORDS.glob("*.js")} == {"en", "de", "ar"}


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
    assert own_or(given, key, "de") == SENTENCES[key].de
    assert own_or("Grüezi!", key, "de") == "Grüezi!"
