"""Every sentence that an end user may read can be worded anew, language by language."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from config.docs.pages import languages_table
from conversations.errors import NotAllowedError
from conversations.journal.services import Visitor
from conversations.models import Channel
from handoffs.lifecycle.notices import text_for
from handoffs.models import PastAttempt
from integrations.behaviour.languages import languages
from integrations.behaviour.sentences import SENTENCES
from integrations.behaviour.wording import tongue_of
from tests import factories
from tests.members import client_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    return factories.channel()


def page(channel: Channel, language: str, **sent: str):
    client = client_with(channel.project, widgets=2)
    address = f"/p/{channel.project.public_id}/widget/words/{language}/"
    return client.post(address, sent) if sent else client.get(address)


def test_words_of_one_language_are_said_in_it_and_in_no_other(channel):
    saved = page(
        channel, "de", greeting="Moin!", transfer="Ich gebe ab.", conversation_ended="Schluss."
    )

    german, english = (
        factories.conversation(channel, visitor=Visitor(locale=locale)) for locale in ("de", "en")
    )

    assert saved.status_code == 302
    assert greeting(german) == "Moin!"
    assert greeting(english) != "Moin!"
    assert NotAllowedError("conversation_ended").text(german.tongue) == "Schluss."
    assert NotAllowedError("conversation_ended").text(english.tongue) != "Schluss."
    assert text_for(factories.handoff(german), "transfer") == "Ich gebe ab."


def test_the_widget_gets_its_own_words_too(channel):
    page(channel, "ar", **{"widget.write": "سؤالك", "widget.typing": "{name}…"})
    query = f"?key={channel.public_key}&host=shop.example&locale=ar"

    look = Client().get(f"/api/v1/widget{query}").json()["widget"]

    assert (look["language"], look["direction"]) == ("ar", "rtl")
    assert (look["words"]["write"], look["words"]["typing"]) == ("سؤالك", "{name}…")
    assert look["words"]["send"] == "إرسال الرسالة"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("wait_position", "Place {{place}}"),
        ("widget.typing", "{who} is typing"),
        ("survey_title", "x" * 61),
        ("transfer", "x" * 501),
    ],
)
def test_places_that_stay_empty_and_long_texts_are_refused(channel, field, text):
    refused = page(channel, "en", **{field: text})

    assert refused.status_code == 422
    assert f"id_{field}_error" in refused.content.decode()


@pytest.fixture
def klingon(tmp_path, settings):
    """One file more, and nothing else."""
    words = {"sentences": {"transfer": "yIloS."}, "widget": {"send": "yIlI’"}, "direction": "rtl"}
    (tmp_path / "tlh.json").write_text(json.dumps({"name": "tlhIngan Hol", **words}))
    settings.WORDS_FOLDER = str(tmp_path)


@pytest.mark.usefixtures("klingon")
def test_a_language_is_there_for_everything_once_its_file_is(channel):
    client = client_with(channel.project, widgets=2)
    pages = f"/p/{channel.project.public_id}/widget"
    brand, before = (
        client.get(f"{pages}/{channel.pk}/{section}/").content.decode()
        for section in ("brand", "before")
    )
    query = f"?key={channel.public_key}&host=shop.example&locale=tlh-KX"
    look = Client().get(f"/api/v1/widget{query}").json()["widget"]
    handoff = factories.handoff(factories.conversation(channel, visitor=Visitor(locale="tlh")))

    assert text_for(handoff, "transfer") == "yIloS."
    assert text_for(handoff, "no_agents") == SENTENCES["no_agents"].en
    assert "tlhIngan Hol" in page(channel, "en").content.decode()
    assert "yIlI’" in page(channel, "tlh").content.decode()
    assert 'name="title_tlh"' in brand
    assert 'name="consent_text_tlh"' in before
    assert (look["language"], look["direction"]) == ("tlh", "rtl")
    assert (look["words"]["send"], look["words"]["read"]) == ("yIlI’", "Read")
    assert "tlhIngan Hol | `tlh` | right to left" in languages_table()


def test_a_broken_file_of_a_language_is_named(tmp_path, settings):
    (tmp_path / "tlh.json").write_text('{"sentences": {}}')
    settings.WORDS_FOLDER = str(tmp_path)

    with pytest.raises(ImproperlyConfigured, match=r"tlh\.json"):
        languages()


def test_an_unknown_language_has_no_page(channel):
    assert page(channel, "tlh").status_code == 404


def test_a_connections_own_standard_response_comes_before_the_projects(channel):
    page(channel, "en", no_agents="Nobody, says the project.", out_of_hours="Closed.")
    integration = factories.integration(
        channel.project, behaviour={"response_no_agents": "Nobody, says the connection."}
    )
    handoff = factories.handoff(factories.conversation(channel), of_integration=integration)

    assert text_for(handoff, "no_agents") == "Nobody, says the connection."
    assert text_for(handoff, "out_of_hours") == "Closed."


def test_the_words_of_the_first_connection_tell_what_its_fallback_did(channel):
    first = factories.integration(
        channel.project, behaviour={"response_ticket_opened": "Noted: {{ticket_number}}."}
    )
    second = factories.integration(
        channel.project,
        connector_key="zendesk_tickets",
        integration_key="zendesk_tickets_integration",
    )
    handoff = factories.handoff(factories.conversation(channel), of_integration=second)
    PastAttempt.objects.create(
        handoff=handoff, number=1, integration=first, integration_key=first.integration_key
    )
    handoff.integration, handoff.attempt = second, 2
    handoff.save()

    assert text_for(handoff, "ticket_opened", ticket_number=7) == "Noted: 7."
    second.behaviour = {"response_ticket_opened": "Ticket {{ticket_number}}."}
    second.save()
    handoff.refresh_from_db()
    assert text_for(handoff, "ticket_opened", ticket_number=7) == "Ticket 7."


def test_a_locale_stays_a_text(channel):
    tongue = tongue_of(channel.project_id, "de-AT")

    assert tongue == "de-AT"
    assert tongue.own == {}


def greeting(conversation) -> str:
    return conversation.events.get(type="POLY_AGENT_MESSAGE").payload["text"]
