"""The official Python client, unmodified, speaks to the simulator and parses what it sends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sunshine_conversations_client as official
from sunshine_conversations_client import model
from sunshine_conversations_client.exceptions import ApiException
from sunshine_conversations_client.model.author import Author
from sunshine_conversations_client.model.content import Content
from sunshine_conversations_client.model.participant_sub_schema import ParticipantSubSchema
from sunshine_conversations_client.model.participant_with_user_external_id import (
    ParticipantWithUserExternalId,
)
from sunshine_conversations_client.model.text_message import TextMessage

from tests.vendors.desk import AGENT
from tests.vendors.zendesk.simulator_harness import APP_ID, APP_KEY, INT_KEY, OWN, WORKSPACE

EXTERNAL_ID = "portal:acme:7f3"
AUTHOR = {"type": "user", "userExternalId": EXTERNAL_ID}
# Event type -> the official class that parses it.
PARSERS = {
    "conversation:create": official.ConversationCreateEvent,
    "conversation:message": official.ConversationMessageEvent,
    "conversation:typing": official.ConversationTypingEvent,
    "conversation:read": official.ConversationReadEvent,
    "conversation:postback": official.ConversationPostbackEvent,
    "conversation:remove": official.ConversationRemoveEvent,
    "conversation:message:delivery:failure": official.ConversationMessageDeliveryFailureEvent,
    "switchboard:passControl": official.SwitchboardPassControl,
    "switchboard:passControl:failure": official.SwitchboardPassControlFailure,
    "switchboard:offerControl": official.SwitchboardOfferControl,
    "switchboard:acceptControl": official.SwitchboardAcceptControl,
    "switchboard:releaseControl": official.SwitchboardReleaseControl,
    "user:merge": official.UserMergeEvent,
}


class Official:
    """The official client's groups of calls, for one key."""

    def __init__(self, url: str, key: tuple[str, str]) -> None:
        host = official.Configuration(host=f"{url}/sc", username=key[0], password=key[1])
        client = official.ApiClient(host)
        self.users = official.UsersApi(client)
        self.conversations = official.ConversationsApi(client)
        self.messages = official.MessagesApi(client)
        self.activities = official.ActivitiesApi(client)
        self.control = official.SwitchboardActionsApi(client)
        self.attachments = official.AttachmentsApi(client)
        self.webhooks = official.WebhooksApi(client)
        self.integrations = official.IntegrationsApi(client)
        self.switchboards = official.SwitchboardsApi(client)
        self.parts = official.SwitchboardIntegrationsApi(client)
        self.participants = official.ParticipantsApi(client)

    def open(self) -> str:
        """Create a user and a conversation; return the conversation's id."""
        profile = model.profile.Profile(givenName="Ines", email="ines@sample.example")
        body = official.UserCreateBody(externalId=EXTERNAL_ID, profile=profile)
        self.users.create_user(APP_ID, body)
        participant = ParticipantWithUserExternalId(userExternalId=EXTERNAL_ID)
        made = self.conversations.create_conversation(
            APP_ID,
            official.ConversationCreateBody(
                type="personal",
                participants=[ParticipantSubSchema(participant)],
                metadata={"portalSession": "hs-88"},
            ),
        )
        return made.conversation.id

    def say(self, conversation_id: str, text: str, content: Any = None) -> Any:
        body = official.MessagePost(
            author=Author(**AUTHOR),
            content=content or Content(TextMessage(type="text", text=text)),
            metadata={"portalMessageId": text},
        )
        return self.messages.post_message(APP_ID, conversation_id, body).messages[0]

    def pass_control(self, conversation_id: str, target: str = WORKSPACE) -> Any:
        body = official.PassControlBody(switchboardIntegration=target, metadata={"a": "b"})
        return self.control.pass_control(APP_ID, conversation_id, body)

    def offer_control(self, conversation_id: str, target: str = OWN) -> Any:
        body = official.OfferControlBody(switchboardIntegration=target)
        return self.control.offer_control(APP_ID, conversation_id, body)


@pytest.fixture
def client(url: str) -> Official:
    return Official(url, INT_KEY)


@pytest.fixture
def admin(url: str) -> Official:
    return Official(url, APP_KEY)


def refusal(call: Callable[[], Any]) -> tuple[int, str]:
    """Return status and code of a refused call."""
    with pytest.raises(ApiException) as caught:
        call()
    return caught.value.status, json.loads(caught.value.body)["errors"][0]["code"]


def test_users_are_made_found_changed_and_removed(client: Official):
    body = official.UserCreateBody(externalId=EXTERNAL_ID, metadata={"plan": "gold"})
    made = client.users.create_user(APP_ID, body).user
    update = official.UserUpdateBody(metadata={"plan": "silver"})
    changed = client.users.update_user(APP_ID, made.id, update).user

    assert refusal(lambda: client.users.create_user(APP_ID, body)) == (409, "conflict")
    assert client.users.get_user(APP_ID, EXTERNAL_ID).user.id == made.id
    assert changed.metadata == {"plan": "silver"}
    assert client.users.delete_user(APP_ID, EXTERNAL_ID) == {}
    assert refusal(lambda: client.users.get_user(APP_ID, made.id)) == (404, "user_not_found")


def test_conversation_is_opened_spoken_in_and_listed(client: Official):
    conversation_id = client.open()

    said = [client.say(conversation_id, text) for text in ("one", "two")]
    listed = client.messages.list_messages(APP_ID, conversation_id)
    members = client.participants.list_participants(APP_ID, conversation_id)

    assert [one.id for one in listed.messages] == [one.id for one in said]
    assert [one.content.actual_instance.text for one in listed.messages] == ["one", "two"]
    assert listed.messages[0].metadata == {"portalMessageId": "one"}
    assert listed.meta.has_more is False
    assert members.participants[0].user_external_id == EXTERNAL_ID


def test_content_the_client_drops_is_refused(client: Official):
    conversation_id = client.open()
    plain = {"type": "text", "text": "dropped by the client"}

    assert refusal(lambda: client.say(conversation_id, "", plain)) == (400, "bad_request")


def test_control_goes_round(client: Official):
    conversation_id = client.open()
    client.say(conversation_id, "Hello")

    assert client.pass_control(conversation_id) == {}
    assert client.offer_control(conversation_id) == {}
    shown = client.conversations.get_conversation(APP_ID, conversation_id).conversation
    accept = official.AcceptControlBody()
    assert client.control.accept_control(APP_ID, conversation_id, accept) == {}
    assert client.control.release_control(APP_ID, conversation_id) == {}

    assert shown.active_switchboard_integration.integration_type == "zd:agentWorkspace"
    assert shown.pending_switchboard_integration.name == OWN
    refused = refusal(lambda: client.control.release_control(APP_ID, conversation_id))
    assert refused == (403, "forbidden")
    missing = refusal(lambda: client.pass_control(conversation_id, "nowhere"))
    assert missing == (404, "switchboard_integration_not_found")


def test_activity_and_attachment_are_taken(client: Official, tmp_path: Path):
    conversation_id = client.open()
    file = tmp_path / "label.txt"
    file.write_text("hello", encoding="utf-8")
    read = official.ActivityPost(author=Author(**AUTHOR), type="conversation:read")
    typing = official.ActivityPost(author=Author(**AUTHOR), type="typing:start")

    taken = client.activities.post_activity(APP_ID, conversation_id, read)
    refused = refusal(lambda: client.activities.post_activity(APP_ID, conversation_id, typing))
    stored = client.attachments.upload_attachment(
        APP_ID, "public", str(file), var_for="message", conversation_id=conversation_id
    ).attachment
    content = Content(model.file_message.FileMessage(type="file", mediaUrl=stored.media_url))
    sent = client.say(conversation_id, "", content)

    assert (taken, refused) == ({}, (400, "bad_request"))
    assert stored.media_type == "text/plain"
    assert sent.content.actual_instance.media_url == stored.media_url


def test_webhooks_are_the_integrations_own_and_settings_need_the_app_key(
    client: Official, admin: Official
):
    [webhook] = client.webhooks.list_webhooks(APP_ID, "me").webhooks
    body = official.WebhookCreateBody(
        target="https://portal.example/e", triggers=["conversation:message"]
    )
    made = client.webhooks.create_webhook(APP_ID, "me", body).webhook
    [switchboard] = admin.switchboards.list_switchboards(APP_ID).switchboards
    parts = admin.parts.list_switchboard_integrations(APP_ID, switchboard.id)

    assert (webhook.version, webhook.secret) == ("v2", "simulated-shared-secret")
    assert client.webhooks.get_webhook(APP_ID, "me", made.id).webhook.target == made.target
    assert refusal(lambda: client.switchboards.list_switchboards(APP_ID)) == (403, "forbidden")
    names = [one.name for one in parts.switchboard_integrations]
    assert names == ["zd-agentWorkspace", "zd-answerBot", "handoff-portal"]
    integration = admin.integrations.get_integration(APP_ID, webhook_integration(admin))
    assert integration.integration.type == "custom"


def webhook_integration(admin: Official) -> str:
    return admin.integrations.list_integrations(APP_ID).integrations[0].id


def test_wrong_key_is_unauthorized(url: str):
    stranger = Official(url, (INT_KEY[0], "wrong"))

    assert refusal(stranger.open) == (401, "unauthorized")


async def test_every_event_is_one_the_official_models_parse(desk, portal, client: Official):
    await desk.configure(deliver_standby_events=True)
    conversation_id = await asyncio.to_thread(_talk, client)
    for action, fields in (
        ("accept", {"agent_name": AGENT}),
        ("type", {"is_typing": True}),
        ("say", {"text": "Hello"}),
        ("trigger", {}),
        ("postback", {"payload": "RETRY"}),
        ("delivery_failure", {}),
        ("end", {}),
        ("merge", {}),
    ):
        status, answer = await desk.post(f"conversations/{conversation_id}/{action}", **fields)
        assert status == 200, answer
    [conversation] = await desk.get("conversations")
    await desk.post(f"conversations/{conversation['id']}/remove")
    await portal.until(lambda: "conversation:remove" in portal.types)

    parsed = [PARSERS[e["type"]].from_json(json.dumps(e)) for e in portal.events]

    assert set(PARSERS) <= set(portal.types)
    for event, sent in zip(parsed, portal.events, strict=True):
        assert (event.id, event.type) == (sent["id"], sent["type"])
        assert event.payload is not None
    texts = [one.payload.message.content.actual_instance.text for one in parsed if _is_said(one)]
    assert texts[:2] == ["My parcel is late", "Hello"]


def _is_said(event: Any) -> bool:
    return event.type == "conversation:message"


def _talk(client: Official) -> str:
    """Do everything a portal does, so that each event is fired."""
    conversation_id = client.open()
    client.say(conversation_id, "My parcel is late")
    read = official.ActivityPost(author=Author(**AUTHOR), type="conversation:read")
    client.activities.post_activity(APP_ID, conversation_id, read)
    refusal(lambda: client.pass_control(conversation_id, "nowhere"))
    client.offer_control(conversation_id)
    client.control.accept_control(APP_ID, conversation_id, official.AcceptControlBody())
    client.pass_control(conversation_id)
    client.offer_control(conversation_id)
    return conversation_id
