"""A variant has its own greeting, language and connection, and a session or a widget names it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.urls import reverse

from conversations.ai_agent.variants.services import variant_create, variant_update
from conversations.journal.services import Visitor, agent_join, session_create
from conversations.models import Channel, Conversation, LogEntry, Variant
from conversations.releases.services import release_publish
from handoffs.models import Handoff
from handoffs.payload.reading import HandoffPayload, payload_read
from handoffs.starting.start import handoff_start
from integrations.models import Project
from tests import factories
from tests.members import client_of_admin, client_of_reader

pytestmark = pytest.mark.django_db
NONE_NAMED = HandoffPayload()


@pytest.fixture
def channel(project) -> Channel:
    return factories.channel(project)


def made(project: Project, name: str = "Cedar", **fields: Any) -> Variant:
    return variant_create(project=project, actor=None, values={"name": name, **fields})


def begun(channel: Channel, **visitor: Any) -> Conversation:
    return session_create(channel=channel, token_family=uuid.uuid4(), visitor=Visitor(**visitor))


def greeting(conversation: Conversation) -> str:
    return str(agent_join(conversation.pk)[-1].payload["text"])


def handed_off(conversation: Conversation, payload: HandoffPayload) -> Handoff:
    agent_join(conversation.pk)
    conversation.refresh_from_db()
    started = handoff_start(conversation, payload, tool_call_id="1", source="test")
    assert started is not None
    return started


def test_a_session_that_names_a_variant_has_its_greeting_and_language(project, channel):
    variant = made(project, greeting="Willkommen.", language="de")
    by_id = begun(channel, variant_id=variant.public_id)
    by_name = begun(channel, variant_id="Cedar", locale="fr")

    assert (by_id.locale, greeting(by_id)) == ("de", "Willkommen.")
    assert (by_name.locale, by_name.variant_id) == ("fr", variant.public_id)
    assert greeting(begun(channel)) == "Hello from Birch."


def test_a_language_that_is_only_the_browsers_gives_way_to_the_variants(project, channel):
    made(project, language="de")
    made(project, "Alder")

    guessed = begun(channel, variant_id="Cedar", locale="en-US", is_locale_guessed=True)
    without = begun(channel, variant_id="Alder", locale="en-US", is_locale_guessed=True)

    assert (guessed.locale, without.locale) == ("de", "en-US")


def test_the_page_says_how_a_conversation_gets_the_variant(project, channel):
    variant = made(project, credential_set="gone")
    where = {"project_id": project.public_id, "variant_id": variant.pk}

    page = client_of_admin(project).get(reverse("variant_edit", kwargs=where)).content.decode()

    assert f"data-key=&quot;{channel.public_key}&quot;" in page
    assert f"data-variant=&quot;{variant.public_id}&quot;" in page
    assert f"{{&quot;variant_id&quot;: &quot;{variant.public_id}&quot;}}" in page
    assert "gone (no longer exists)" in page


def test_a_widget_gives_its_variant_to_sessions_that_name_none(project, channel):
    one, other = made(project, greeting="From one."), made(project, "Alder", greeting="Other.")
    channel.variant_id = one.public_id
    channel.save()

    assert greeting(begun(channel)) == "From one."
    assert greeting(begun(channel, variant_id=other.public_id)) == "Other."


def test_the_default_variant_is_for_all_others_and_there_is_one(project, channel):
    first = made(project, greeting="First.", is_default=True)
    assert greeting(begun(channel)) == "First."

    made(project, "Alder", greeting="Second.", is_default=True)
    first.refresh_from_db()
    assert not first.is_default
    assert greeting(begun(channel)) == "Second."


def test_a_variant_that_is_not_known_is_logged_and_changes_nothing(project, channel):
    conversation = begun(channel, variant_id="VARIANT-1")

    assert conversation.variant_id == "VARIANT-1"
    assert greeting(conversation) == "Hello from Birch."
    assert LogEntry.objects.get(code="variant_unknown").conversation == conversation


def test_a_handoff_goes_to_the_variants_connection_with_its_credentials(project, channel):
    factories.integration(project, is_default=True)
    named = factories.integration(project, credential_set="emea")
    fields = {"integration_key": factories.INTEGRATION_KEY, "credential_set": "emea"}
    variant = made(project, **fields)

    assert handed_off(begun(channel, variant_id="Cedar"), NONE_NAMED).integration == named
    inline = {"salesforce_integration": {"credential_set": "default"}}
    payload = payload_read({"handoff": {"text_chat": inline}})
    assert handed_off(begun(channel, variant_id="Cedar"), payload).integration != named
    bare = payload_read({"handoff": {"text_chat": {"salesforce_integration": {}}}})
    assert handed_off(begun(channel, variant_id=variant.public_id), bare).integration == named
    assert handed_off(begun(channel), NONE_NAMED).integration != named


def test_a_variant_travels_with_a_release(project, channel):
    variant = made(project, greeting="Released.")
    release_publish(project=project, actor=None)
    variant_update(variant=variant, actor=None, values={"greeting": "Draft."})

    assert greeting(begun(channel, variant_id="Cedar")) == "Released."


def test_a_variant_is_made_and_changed_on_its_pages(project):
    admin, where = client_of_admin(project), {"project_id": project.public_id}
    sent = {"name": "Cedar", "language": "de", "attributes": "brand = Cedar\ntone = warm"}
    admin.post(reverse("variant_new", kwargs=where), sent)
    variant = Variant.objects.get()
    page = reverse("variant_edit", kwargs={**where, "variant_id": variant.pk})

    assert variant.attributes == {"brand": "Cedar", "tone": "warm"}
    assert "tone = warm" in admin.get(page).content.decode()
    refused = admin.post(page, {**sent, "language": "German!", "attributes": "brand"})
    assert refused.status_code == 422
    assert "“German!” is no language tag" in refused.content.decode()
    assert "“brand” is not name = text." in refused.content.decode()
    assert admin.post(reverse("variant_new", kwargs=where), sent).status_code == 422
    assert client_of_reader(project).post(page, sent).status_code == 403
    admin.post(reverse("variant_delete", kwargs={**where, "variant_id": variant.pk}))
    assert not Variant.objects.exists()


def test_a_widgets_variant_is_chosen_on_its_page(project, channel):
    variant, admin = made(project), client_of_admin(project)
    address = reverse("widget", kwargs={"project_id": project.public_id})
    fields = {
        "name": "Website",
        "environment": "sandbox",
        "title": "Chat",
        "accent": "#2457d6",
        "allowed_origins": "shop.example",
        "variant_id": variant.public_id,
        "is_enabled": "on",
    }
    sent = {f"{channel.pk}-{name}": value for name, value in fields.items()}

    assert admin.post(address, {"channel": channel.pk, **sent}).status_code == 302
    channel.refresh_from_db()
    assert channel.variant_id == variant.public_id
