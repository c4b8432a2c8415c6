"""What comes before a conversation: a consent that is recorded, and questions that are checked."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from conversations.models import Conversation
from tests import factories
from tests.members import client_with

pytestmark = pytest.mark.django_db
CONSENT = {
    "is_on": True,
    "version": 3,
    "texts": {"en": "We keep what you write.", "de": "Wir speichern, was Sie schreiben."},
    "links": [{"label": "Privacy", "url": "https://shop.example/privacy"}],
    "links_in": {"de": [{"label": "Datenschutz", "url": "https://shop.example/de/privacy"}]},
}
QUESTIONS = [
    {"name": "email", "label": "E-mail", "kind": "email", "is_required": True},
    {
        "name": "topic",
        "label": "About",
        "kind": "select",
        "options": ["Order", "Other"],
        "option_labels": {"de": ["Bestellung", "Anderes"]},
    },
]


def opened(channel, *, is_trusted=False, **body):
    token = factories.token(channel, is_trusted=is_trusted)
    return Client().post(
        "/api/v1/sessions",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error_code", "")


def test_no_conversation_begins_before_the_present_text_is_agreed_to():
    channel = factories.channel(before={"consent": CONSENT})

    given = [{}, {"version": 2}, {"version": 3.0}, {"version": "3"}]
    refused = [opened(channel), *(opened(channel, consent=one) for one in given)]

    assert [code(one) for one in refused] == [(403, "CONSENT_REQUIRED")] * 5
    assert not Conversation.objects.exists()
    assert opened(channel, consent={"version": 3}, locale="de-AT").status_code == 200
    kept = Conversation.objects.get().consent
    assert (kept["version"], kept["language"]) == (3, "de")
    assert kept["at"]


def test_a_server_that_vouches_for_its_end_users_has_asked_them_itself():
    channel = factories.channel(before={"consent": CONSENT, "questions": QUESTIONS})

    assert opened(channel, is_trusted=True).status_code == 200


def test_the_widget_is_told_what_to_ask_in_its_language():
    channel = factories.channel(before={"consent": CONSENT, "questions": QUESTIONS})
    address = f"/api/v1/widget?key={channel.public_key}&host=shop.example&locale="

    german, french = (
        Client().get(address + locale).json()["widget"]["before"] for locale in ("de", "xx")
    )

    assert german["consent"]["text"] == CONSENT["texts"]["de"]
    assert french["consent"]["text"] == CONSENT["texts"]["en"]
    assert [one["name"] for one in german["fields"]] == ["email", "topic"]
    assert [one["links"][0]["label"] for one in (german["consent"], french["consent"])] == [
        *("Datenschutz", "Privacy")
    ]
    options = [one["fields"][1]["options"][1] for one in (german, french)]
    assert options == [{"payload": "Other", "label": one} for one in ("Anderes", "Other")]


def test_answers_are_kept_for_tools_and_live_agents_and_prove_nothing():
    channel = factories.channel(before={"questions": QUESTIONS})

    answer = opened(channel, form={"email": "ann@example.com", "topic": "Order", "x": "y"})

    assert answer.status_code == 200
    conversation = Conversation.objects.select_related("end_user").get()
    assert conversation.context["form"] == {"email": "ann@example.com", "topic": "Order"}
    assert conversation.integration_attributes["topic"] == "Order"
    assert conversation.end_user.email == "ann@example.com"
    assert not conversation.end_user.is_verified


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({}, "form.email is needed"),
        ({"email": "ann"}, "form.email must be an e-mail address"),
        ({"email": "a@example.com", "topic": "Else"}, "form.topic must be one of its options"),
    ],
)
def test_answers_that_are_missing_or_wrong_are_named(form, told):
    refused = opened(factories.channel(before={"questions": QUESTIONS}), form=form)

    assert code(refused) == (400, "INVALID_REQUEST")
    assert told in refused.json()["error_message"]


def page(channel, **sent):
    client = client_with(channel.project, widgets=2)
    address = f"/p/{channel.project.public_id}/widget/{channel.pk}/before/"
    return client.post(address, sent) if sent else client.get(address)


FORM = {
    "consent_is_on": "on",
    "consent_text_en": "We keep what you write.",
    "consent_links": "Privacy https://shop.example/p",
    "q1_label": "Order number",
    "q1_name": "order_number",
    "q1_kind": "text",
    "q1_is_required": "on",
    "q1_labels": "de = Bestellnummer",
}


def test_an_admin_sets_consent_and_questions_and_a_new_text_is_a_new_version():
    channel = factories.channel()

    assert page(channel).status_code == 200
    assert page(channel, **FORM).status_code == 302
    channel.refresh_from_db()
    first = channel.before
    page(channel, **FORM)
    channel.refresh_from_db()
    same = channel.before
    own = {
        "consent_text_de": "Wir speichern das.",
        "consent_links_de": "Datenschutz https://shop.example/de",
        "q1_kind": "select",
        "q1_options": "Old\nNew",
        "q1_option_labels": "de = Alt|Neu",
    }
    page(channel, **FORM | own)
    channel.refresh_from_db()

    assert first["consent"]["version"] == same["consent"]["version"] == 1
    assert channel.before["consent"]["version"] == 2
    assert first["questions"][0]["labels"] == {"de": "Bestellnummer"}
    assert channel.before["consent"]["links_in"]["de"][0]["label"] == "Datenschutz"
    assert channel.before["questions"][0]["option_labels"] == {"de": ["Alt", "Neu"]}
    shown = page(channel).content.decode()
    assert "Question 1: Order number" in shown
    assert "de = Alt | Neu" in shown and "Datenschutz https://shop.example/de" in shown


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"consent_text_en": ""}, "consent_text_en"),
        ({"consent_text_en": "x" * 501}, "consent_text_en"),
        ({"consent_links": ""}, "consent_links"),
        ({"consent_links": "Privacy javascript:alert(1)"}, "consent_links"),
        ({"q1_name": "Order Number"}, "q1_name"),
        ({"q1_kind": "select"}, "q1_options"),
        ({"q1_options": "A\nB", "q1_option_labels": "de = Eins"}, "q1_option_labels"),
        ({"q1_options": "A", "q1_option_labels": "xx = Eins"}, "q1_option_labels"),
        ({"q2_label": "Again", "q2_name": "order_number", "q2_kind": "text"}, "q2_name"),
    ],
)
def test_what_is_missing_or_wrong_is_told_at_its_field(changed, field):
    refused = page(factories.channel(), **FORM | changed)

    assert refused.status_code == 422
    assert f"id_{field}_error" in refused.content.decode()
