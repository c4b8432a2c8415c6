"""Behaviour: defaults without touching, only what the vendor can do, limits kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client

from integrations.behaviour.channels import channel_takers_set, integration_channels_set
from integrations.behaviour.settings import Behaviour, BehaviourForm, behaviour_of
from integrations.connections.drafts import draft_of, edited_values
from integrations.connections.services import (
    integration_behaviour_save,
    integration_default_set,
    integration_draft_save,
    integration_leave,
)
from integrations.contract.registry import manifest_get
from integrations.models import AuditEntry, Integration, Project
from tests import factories
from tests.integrations.connecting import address

SALESFORCE = manifest_get("salesforce_messaging")
GOOD = {
    "display_name_source": "vendor",
    "display_name_text": "",
    "typing": "on",
    "read_receipts": "on",
    "transcript_mode": "full",
    "transcript_max_messages": "100",
    "transcript_link": "on",
    "summary": "off",
    "standard_context": "all",
    "context_names": "",
    "unknown_availability": "available",
    "wait_timeout_seconds": "0",
    "allow_user_end": "on",
    "stop_word": "",
    "after_agent": "end",
    "attachments_user": "on",
    "attachments_agent": "on",
    "availability_check": "off",
    "on_unavailable": "queue",
    "queue_messages": "standard",
    "queue_message_interval_seconds": "60",
    "inactivity_minutes": "0",
}


def form(**changes: str) -> BehaviourForm:
    return BehaviourForm(SALESFORCE, Behaviour(), data={**GOOD, **changes})


def test_an_untouched_integration_behaves_by_default() -> None:
    assert behaviour_of(Integration(behaviour={})) == Behaviour()


def test_values_of_an_older_version_do_no_harm() -> None:
    stored = Integration(behaviour={"stop_word": "stop", "no_longer_known": 1})

    assert behaviour_of(stored) == Behaviour(stop_word="stop")


def test_the_forms_defaults_are_the_behaviours_defaults() -> None:
    untouched = form()

    assert untouched.is_valid()
    assert Behaviour(**untouched.cleaned_data) == Behaviour()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("display_name_source", "shouted"),
        ("display_name_text", "x" * 61),
        ("transcript_max_messages", "0"),
        ("transcript_max_messages", "501"),
        ("wait_timeout_seconds", "9"),
        ("wait_timeout_seconds", "86401"),
        ("stop_word", "x" * 41),
        ("after_agent", "explode"),
    ],
)
def test_a_value_out_of_its_limits_is_refused(name: str, value: str) -> None:
    refused = form(**{name: value})

    assert not refused.is_valid()
    assert list(refused.errors) == [name]


def test_a_fixed_name_must_be_given() -> None:
    without = form(display_name_source="fixed")
    with_name = form(display_name_source="fixed", display_name_text="Support team")

    assert list(without.errors) == ["display_name_text"]
    assert with_name.is_valid()


def test_what_the_vendor_cannot_do_is_not_offered() -> None:
    silent = replace(SALESFORCE, capabilities=frozenset())

    offered = BehaviourForm(silent, Behaviour()).fields

    assert {"typing", "read_receipts", "transcript_mode"}.isdisjoint(offered)
    assert "stop_word" in offered


def test_saving_stores_the_values_and_notes_which_changed(admin: Client, project: Project) -> None:
    row = factories.integration(project)

    admin.post(address(project, "connect_behaviour"), {**GOOD, "stop_word": "STOP", "typing": ""})

    row.refresh_from_db()
    assert behaviour_of(row) == Behaviour(stop_word="STOP", typing=False)
    assert set(AuditEntry.objects.get().fields) == {"stop_word", "typing"}


def test_admins_who_save_at_the_same_time_keep_one_anothers_changes(project: Project) -> None:
    made = factories.integration(project, behaviour={"typing": False})
    one, other, third, fourth = (Integration.objects.get(pk=made.pk) for _ in range(4))

    integration_behaviour_save(integration=one, values={"stop_word": "STOP"}, actor=None)
    integration_channels_set(integration=other, channels=["sms"], actor=None)
    integration_behaviour_save(integration=third, values={"summary": "short"}, actor=None)
    channel_takers_set(of=fourth, channel="webchat", chosen=[made.pk], actor=None)

    made.refresh_from_db()
    assert made.behaviour == {
        "typing": False,
        "stop_word": "STOP",
        "summary": "short",
        "channels": ["sms", "webchat"],
    }


def test_a_step_that_is_ticked_off_keeps_the_values_that_were_entered_meanwhile(
    project: Project,
) -> None:
    made = factories.integration(project)
    one, other = (Integration.objects.get(pk=made.pk) for _ in range(2))

    integration_draft_save(integration=one, values={"org_id": "00D8Y0000099999"})
    integration_draft_save(integration=other, confirmed=[1])

    made.refresh_from_db()
    assert draft_of(made).confirmed == (1,)
    assert edited_values(made)["org_id"] == "00D8Y0000099999"


@pytest.mark.django_db(transaction=True)
def test_of_connections_that_are_made_the_default_at_once_one_is() -> None:
    project = factories.project()
    rows = [factories.integration(project, credential_set=f"set-{n}") for n in range(8)]

    def choose(row: Integration) -> None:
        try:
            integration_default_set(integration=row, is_default=True, actor=None)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(rows)) as pool:
        list(pool.map(choose, rows))

    assert project.integrations.filter(is_default=True).count() == 1


def test_a_default_that_somebody_else_has_chosen_since_a_page_was_read_is_replaced(
    project: Project,
) -> None:
    one, other = (factories.integration(project, credential_set=name) for name in ("a", "b"))
    early = Integration.objects.get(pk=one.pk)
    integration_default_set(integration=one, is_default=True, actor=None)
    integration_default_set(integration=other, is_default=True, actor=None)

    integration_default_set(integration=one, is_default=False, actor=None)  # it is not any more
    integration_leave(integration=early, actor=None)

    assert project.integrations.get(is_default=True) == other


def test_the_default_switch_is_shown_only_when_there_is_a_choice(
    admin: Client, project: Project
) -> None:
    first = factories.integration(project)
    alone = admin.get(address(project, "connect_behaviour")).content.decode()
    other = factories.integration(project, integration_key="second_integration", is_default=True)

    page = admin.get(address(project, "connect_behaviour")).content.decode()
    admin.post(address(project, "connect_behaviour"), {**GOOD, "default_agent_system": "on"})

    first.refresh_from_db()
    other.refresh_from_db()
    assert "default_agent_system" not in alone
    assert "default_agent_system" in page
    assert (first.is_default, other.is_default) == (True, False)


def test_the_default_cannot_be_disconnected_before_another_takes_its_place(
    admin: Client, project: Project
) -> None:
    first = factories.integration(project, is_default=True)
    factories.integration(project, integration_key="second_integration")

    response = admin.post(
        address(project, "integration_disconnect"), {"confirm_name": "Salesforce Messaging"}
    )

    first.refresh_from_db()
    assert "Choose the one that takes its place" in response.content.decode()
    assert first.status == Integration.Status.CONNECTED
