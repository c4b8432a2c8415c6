"""Runs in the copy of the project in which Acme was begun: what the whole portal knows of it."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from config.docs.pages import vendors_page
from handoffs.errors import InvalidPayloadError
from handoffs.payload.reading import payload_for_call_handoff, payload_read
from handoffs.starting.addressing import payload_address
from integrations.connect.selectors import tile_groups
from integrations.contract.manifest import TileGroup
from integrations.models import ApiKey, Project
from tests import factories


@pytest.fixture
def project(db: None) -> Project:
    project = factories.project()
    factories.integration(project, connector_key="acme", integration_key="acme_integration")
    return project


def test_its_tile_stands_among_the_live_agents(project: Project) -> None:
    views = tile_groups(project=project, environment="sandbox")[TileGroup.LIVE_AGENTS]

    acme = next(view for view in views if view.tile.title == "Acme")
    assert (acme.action, acme.tile.summary) == ("Manage", "Live agents answer in Acme.")


def test_a_payload_is_checked_with_its_hint() -> None:
    good = payload_read({"handoff": {"text_chat": {"acme_integration": {"lane": 7}}}})
    other = payload_read({"handoff": {"text_chat": {"salesforce_integration": {"lane": 7}}}})

    with pytest.raises(InvalidPayloadError, match=r"acme_integration\.lane: expected a whole"):
        payload_read({"handoff": {"text_chat": {"acme_integration": {"lane": "left"}}}})

    assert (good.hints, good.warnings) == ({"lane": 7}, ())
    assert other.hints == {}


@pytest.mark.parametrize("name", ["acme", "acme_support", "acme_integration"])
def test_call_handoff_goes_there_under_each_of_its_names(project: Project, name: str) -> None:
    payload = payload_for_call_handoff(name, hints={"traffic_lane": 7, "tags": ["a"]})

    found = payload_address(project, "sandbox", payload)

    assert found.integration is not None
    assert (found.integration.connector_key, found.payload.hints) == ("acme", {"lane": 7})


def test_a_hint_that_another_vendor_has_too_is_checked_as_ones_own(project: Project) -> None:
    good, bad = (
        payload_for_call_handoff("acme", hints={"track_name": value}) for value in (3, "Chat")
    )

    assert payload_address(project, "sandbox", good).payload.hints == {"track_name": 3}
    with pytest.raises(InvalidPayloadError, match="expected a whole number from 1 to 9"):
        payload_address(project, "sandbox", bad)


def test_the_docs_table_has_its_column() -> None:
    page = vendors_page()

    assert "[Acme](../integrations/vendors/acme/README.md)" in page
    assert "| `acme`, `acme_support` |" in page
    assert "| `lane`, `track_name` |" in page


def test_a_script_connects_it_by_what_its_manifest_asks_for(project: Project) -> None:
    bare = factories.project()
    key = factories.api_key(bare, ApiKey.Permission.INTEGRATIONS)[1]
    path = (
        f"/v1/accounts/{bare.workspace.slug}/projects/{bare.slug}"
        "/messaging-handoff-integrations/acme/sandbox"
    )

    def put(values: dict[str, str]) -> tuple[int, dict]:
        body = json.dumps({"credential_sets": {"default": values}, "save_anyway": True})
        given = {"x-api-key": key}
        answer = Client().put(path, body, content_type="application/json", headers=given)
        return answer.status_code, answer.json()

    refused, told = put({})
    asked = {error["path"].rpartition(".")[2] for error in told["errors"]}
    status, shown = put({"base_url": "http://127.0.0.1:9", "api_key": "a-key-of-acme-0123456789"})

    assert (refused, asked) == (422, {"base_url", "api_key"})
    assert (status, shown["states"]) == (200, {"default": "needs_attention"})
    assert "a-key-of-acme" not in json.dumps(shown)
