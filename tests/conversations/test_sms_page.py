"""Operate > Text messages: what became of each text; no number without the right to it."""

from __future__ import annotations

import pytest
from django.test import Client

from conversations.models import SmsOutbound
from integrations.models import Integration
from tests import factories
from tests.conversations.texting import carrier, queue, text_in, thread
from tests.members import client_with
from tests.vendors.twilio_sms.signed import OURS, THEIRS

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> Integration:
    return carrier(number_variants='{"+15550100199": "var_9"}')


def page(row: Integration, *, query: str = "", sees_personal_data: bool = True) -> str:
    of = client_with(row.project, sees_personal_data=sees_personal_data, conversations=1)
    answered = of.get(f"/p/{row.project.public_id}/text-messages/{query}")
    assert answered.status_code == 200
    return answered.content.decode()


def test_each_text_says_what_became_of_it_and_what_it_cost(row: Integration) -> None:
    queue(thread(row), "a" * 161, "ы" * 71)
    SmsOutbound.objects.filter(place=1).update(status="failed", error_code="21614")

    shown = page(row)

    assert "The end user&#x27;s number is not a mobile number." in shown
    assert "GSM-7" in shown and "UCS-2" in shown
    assert "var_9" in shown and OURS in shown and THEIRS in shown
    # What was said stands in the conversation alone.
    assert "aaa" not in shown and "ыы" not in shown


def test_what_was_not_passed_on_says_why(row: Integration, client: Client) -> None:
    text_in(client, row, "Something private")

    shown = page(row, query="?way=received")

    assert "Waiting" in shown and "Something private" not in shown


def test_whoever_may_not_see_personal_data_sees_the_end_of_a_number(row: Integration) -> None:
    queue(thread(row), "Hello")

    shown = page(row, sees_personal_data=False)

    assert THEIRS not in shown and f"•••{THEIRS[-2:]}" in shown


def test_another_projects_texts_are_not_here(row: Integration) -> None:
    queue(thread(row), "Hello")

    assert "No number yet" in page(factories.integration(factories.project()))
