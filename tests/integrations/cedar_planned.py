"""Runs in the copy of the project in which Cedar is planned: what is said where it is named."""

from __future__ import annotations

import pytest
from django.urls import reverse

from handoffs.errors import HandoffError, InvalidPayloadError, NoConnectorError
from handoffs.payload.reading import payload_read
from handoffs.starting.addressing import payload_address
from integrations.models import Project
from tests import factories
from tests.handoffs.test_addressing import lint, source_of
from tests.members import client_of_admin


@pytest.fixture
def project(db: None) -> Project:
    return factories.project()


def test_its_tile_says_so_and_cannot_be_pressed(project: Project) -> None:
    url = reverse("integrations", args=[project.public_id])
    page = client_of_admin(project).get(url, {"env": "sandbox"}).content.decode()
    tile = page.split('id="tile-cedar"')[1].split("</article>")[0]

    assert "Not available yet" in tile
    assert "<a " not in tile
    assert "<button" not in tile


def test_a_handoff_there_is_refused_in_its_own_words_in_the_editor_too(project: Project) -> None:
    factories.integration(project)

    with pytest.raises(HandoffError) as raised:
        named = {"text_chat": {"cedar_integration": {}}}
        payload_address(project, "sandbox", payload_read({"handoff": named}))
    [(severity, message, _)] = lint(
        project, source_of('{"handoff": {"text_chat": {"cedar_integration": {}}}}')
    )

    error = raised.value
    assert isinstance(error, NoConnectorError)
    assert "There is no connector for Cedar yet" in str(error)
    assert "Connected in Sandbox: Salesforce." in str(error)
    assert severity == "error"
    assert str(error) in message


def test_without_a_project_only_integrations_with_a_connector_are_offered() -> None:
    with pytest.raises(InvalidPayloadError) as raised:
        payload_read({"handoff": {"text_chat": {"salesforce": {}}}})

    assert "zendesk_integration" in str(raised.value)
    assert "cedar_integration" not in str(raised.value)
