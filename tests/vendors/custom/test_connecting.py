"""The custom connector in the portal: its form, its ticks, its name in payloads."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from conversations.journal.services import conversation_lock
from conversations.models import Conversation, LogEntry
from handoffs.errors import InvalidPayloadError
from handoffs.models import Handoff
from handoffs.payload.reading import payload_read
from handoffs.starting.start import handoff_start
from integrations.models import Integration, Project
from integrations.simulators.records import file_of
from integrations.vendors.custom.simulator import CustomSimulator
from integrations.vendors.custom.simulator import world as simulated
from tests import factories
from tests.members import client_of_admin, client_of_reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return factories.project()


@pytest.fixture
def admin(project: Project) -> Client:
    return client_of_admin(project)


def connection(project: Project, name: str = "back_office", **fields: Any) -> Integration:
    credentials = {"connector": name, "base_url": "http://127.0.0.1:9", "capabilities": "typing"}
    return factories.integration(
        project,
        connector_key="custom",
        integration_key="custom_integration",
        **{"credentials": credentials, **fields},
    )


def ask_for(project: Project, handoff: object) -> tuple[Handoff | None, Conversation]:
    conversation = factories.conversation(factories.channel(project))
    with transaction.atomic():
        made = handoff_start(
            conversation_lock(conversation.pk),
            payload_read({"utterance": "", "handoff": handoff}),
            tool_call_id="t1",
            source="test",
        )
    return made, conversation


def named(name: str) -> dict[str, Any]:
    return {"text_chat": {"custom_integration": {"connector": name}}}


def page(client: Client, project: Project, name: str) -> str:
    return client.get(reverse(name, args=[project.public_id, "sandbox", "custom"])).content.decode()


# ---- the name in payloads ----


def test_a_payload_that_names_the_connection_goes_there(project: Project) -> None:
    row = connection(project)

    handoff, _ = ask_for(project, named("back_office"))

    assert handoff is not None
    assert handoff.integration == row


def test_of_several_connections_the_named_one_is_taken(project: Project) -> None:
    connection(project)
    other = connection(project, "night_desk", credential_set="night")

    handoff, _ = ask_for(project, named("night_desk"))

    assert handoff is not None
    assert handoff.integration == other


def test_another_name_is_refused_with_those_there_are_and_the_right_one_then_works(
    project: Project,
) -> None:
    connection(project)

    refused, conversation = ask_for(project, named("front_office"))
    taken, _ = ask_for(project, named("back_office"))

    [line] = LogEntry.objects.filter(conversation=conversation, level=LogEntry.Level.ERROR)
    failed = Handoff.objects.get(conversation=conversation)
    assert refused is None
    assert (failed.state, failed.error_code) == ("failed", "invalid_payload")
    assert "back_office" in str(line.fields["problems"])
    assert taken is not None


def test_a_payload_without_the_name_is_invalid(project: Project) -> None:
    connection(project)

    with pytest.raises(InvalidPayloadError, match="connector"):
        ask_for(project, {"text_chat": {"custom_integration": {}}})


def test_a_payload_that_leaves_the_choice_to_the_project_needs_no_name(project: Project) -> None:
    row = connection(project, is_default=True)

    handoff, _ = ask_for(project, True)

    assert handoff is not None
    assert (handoff.integration, handoff.routing["connector"]) == (row, "back_office")


# ---- the pages ----


def test_something_else_leads_to_the_custom_connector(admin: Client, project: Project) -> None:
    tiles = admin.get(reverse("integrations", args=[project.public_id])).content.decode()
    reader = client_of_reader(project)
    seen = reader.get(reverse("integrations", args=[project.public_id])).content.decode()

    place = tiles.split('id="tile-something-else"')[1].split("</article>")[0]
    seen_place = seen.split('id="tile-something-else"')[1].split("</article>")[0]
    assert reverse("integration", args=[project.public_id, "sandbox", "custom"]) in place
    assert "#tile-custom-connector" in seen_place


def test_the_form_has_a_box_for_each_thing_a_service_can_do(
    admin: Client, project: Project
) -> None:
    shown = page(admin, project, "connect_values")

    assert shown.count('name="capabilities"') == 7
    assert "Take and send files" in shown


def test_what_was_ticked_is_kept_shown_and_may_be_unticked(admin: Client, project: Project) -> None:
    values = {"connector": "back_office", "base_url": "http://127.0.0.1:9/", "timeout_ms": "5000"}
    url = reverse("connect_values", args=[project.public_id, "sandbox", "custom"])

    admin.post(url, {**values, "capabilities": ["read", "typing"]})
    kept = Integration.objects.get(project=project).draft["values"]
    shown = page(admin, project, "connect_values")
    admin.post(url, values)
    emptied = Integration.objects.get(project=project).draft["values"]

    assert (kept["capabilities"], kept["base_url"]) == ("typing,read", "http://127.0.0.1:9")
    assert shown.count(" checked") == 2
    assert emptied["capabilities"] == ""


def test_a_tick_that_is_not_offered_is_refused_and_nothing_is_kept(
    admin: Client, project: Project
) -> None:
    url = reverse("connect_values", args=[project.public_id, "sandbox", "custom"])
    values = {"connector": "back_office", "base_url": "http://127.0.0.1:9"}

    answer = admin.post(url, {**values, "capabilities": ["typing", "telepathy"]})

    assert answer.status_code == 422
    assert "Not known: telepathy" in answer.content.decode()
    assert not [row for row in Integration.objects.filter(project=project) if row.draft]


def test_behaviour_offers_only_what_was_ticked(admin: Client, project: Project) -> None:
    row = connection(project)
    with_typing = page(admin, project, "connect_behaviour")
    row.credentials["capabilities"] = "read"
    row.save()
    with_receipts = page(admin, project, "connect_behaviour")

    assert ('name="typing"' in with_typing, 'name="read_receipts"' in with_typing) == (True, False)
    assert ('name="typing"' in with_receipts, 'name="read_receipts"' in with_receipts) == (
        False,
        True,
    )


def test_the_tool_to_paste_names_the_connection(admin: Client, project: Project) -> None:
    connection(project)

    assert "&quot;connector&quot;: &quot;back_office&quot;" in page(admin, project, "connect_done")


def test_the_simulator_keeps_its_handoffs_over_a_restart(tmp_path: Any) -> None:
    first = CustomSimulator(state_file=tmp_path / "state.json")
    with first.change():
        first.world.files.add(file_of(name="f.txt", mime_type="text/plain", content=b"f"))
        first.world.conversations.add(
            simulated.Handoff(
                external_id="ext-1",
                handoff_id="ho-1",
                conversation={},
                user={},
                hints={},
                callback_url="",
                queue="Parcels",
            )
        )
        first.world.answers["/handoffs ho-1"] = [201, {"external_id": "ext-1"}]
        first.configure(signing_secret="another-secret-of-the-portals")

    second = CustomSimulator(state_file=tmp_path / "state.json")

    assert second.state_as_dict() == first.state_as_dict()
    assert second.world.conversations["ext-1"] == first.world.conversations["ext-1"]
