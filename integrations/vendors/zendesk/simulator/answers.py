"""How the simulated Conversations API writes its records; field names are those of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from integrations.simulators.answers import AsciiJSONResponse
from integrations.vendors.zendesk.simulator.records import (
    Conversation,
    Message,
    Participant,
    SwitchboardIntegration,
    User,
    Webhook,
    time_text,
)

if TYPE_CHECKING:
    from integrations.vendors.zendesk.simulator.world import ZendeskWorld


def error_answer(status: int, code: str, *titles: str, retry_after: int | None = None) -> Response:
    """Return an error as {errors: [{code, title}]}."""
    errors = [{"code": code, "title": title} for title in titles]
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return AsciiJSONResponse({"errors": errors}, status_code=status, headers=headers)


def user_answer(user: User) -> dict[str, Any]:
    """Return a whole user."""
    email = user.profile.get("email")
    identity = {"type": "email", "value": email, "verification": "unverified"}
    return {
        **truncated_user(user),
        "signedUpAt": user.signed_up_at,
        "profile": user.profile,
        "metadata": user.metadata,
        "identities": [identity] if email else [],
    }


def truncated_user(user: User) -> dict[str, Any]:
    """Return a user as webhooks show them without "include full user"."""
    shown = {"id": user.user_id, "authenticated": False, "externalId": user.external_id}
    return {**shown, "zendeskId": user.zendesk_id} if user.zendesk_id else shown


def conversation_answer(world: ZendeskWorld, conversation: Conversation) -> dict[str, Any]:
    """Return a whole conversation."""
    answer = {
        **truncated_conversation(world, conversation),
        "metadata": conversation.metadata,
        "isDefault": conversation.is_default,
        **conversation.properties,
        "createdAt": time_text(conversation.created_ms),
        "lastUpdatedAt": time_text(conversation.updated_ms),
    }
    if conversation.business_last_read:
        answer["businessLastRead"] = conversation.business_last_read
    return answer


def truncated_conversation(world: ZendeskWorld, conversation: Conversation) -> dict[str, Any]:
    """Return a conversation as webhooks show it."""
    answer: dict[str, Any] = {"id": conversation.conversation_id, "type": conversation.type}
    if conversation.metadata:
        answer["metadata"] = conversation.metadata
    for name in ("active", "pending"):
        held = world.switchboard_integration(getattr(conversation, name))
        if held is not None and world.switches.is_switchboard_enabled:
            answer[f"{name}SwitchboardIntegration"] = switchboard_integration_part(held)
    return answer


def switchboard_integration_part(one: SwitchboardIntegration) -> dict[str, Any]:
    """Return the short form that conversations show."""
    return {
        "id": one.switchboard_integration_id,
        "name": one.name,
        "integrationId": one.integration_id,
        "integrationType": one.integration_type,
    }


def switchboard_integration_answer(one: SwitchboardIntegration) -> dict[str, Any]:
    """Return the long form, for app scope only."""
    return {
        **switchboard_integration_part(one),
        "deliverStandbyEvents": one.deliver_standby_events,
        "nextSwitchboardIntegrationId": one.next_id,
        "messageHistoryCount": 10,
    }


def message_answer(message: Message) -> dict[str, Any]:
    """Return a message as the API lists it."""
    answer: dict[str, Any] = {
        "id": message.message_id,
        "received": time_text(message.received_ms),
        "author": message.author,
        "content": message.content,
        "source": message.source,
    }
    if message.is_deleted:
        answer |= {"deleted": True, "content": {"type": "text", "text": ""}}
    for name in ("metadata", "activity"):
        if getattr(message, name) is not None:
            answer[name] = getattr(message, name)
    return answer


def participant_answer(world: ZendeskWorld, participant: Participant) -> dict[str, Any]:
    """Return a participant."""
    answer: dict[str, Any] = {
        "id": participant.participant_id,
        "userId": participant.user_id,
        "unreadCount": 0,
        "clientAssociations": [],
    }
    if user := world.users.get(participant.user_id):
        answer["userExternalId"] = user.external_id
    if participant.last_read:
        answer["lastRead"] = participant.last_read
    return answer


def webhook_answer(webhook: Webhook) -> dict[str, Any]:
    """Return a webhook with its secret, as its own integration may see it."""
    return {
        "id": webhook.webhook_id,
        "version": "v2",
        "target": webhook.target,
        "triggers": webhook.triggers,
        "secret": webhook.secret,
        "includeFullUser": webhook.include_full_user,
        "includeFullSource": webhook.include_full_source,
    }


def list_answer(
    name: str, items: list[dict[str, Any]], *, url: str, has_more: bool
) -> dict[str, Any]:
    """Return one page of a list."""
    answer: dict[str, Any] = {name: items, "meta": {"hasMore": has_more}, "links": {}}
    if items:
        first, last = items[0]["id"], items[-1]["id"]
        answer["meta"] |= {"afterCursor": last, "beforeCursor": first}
        answer["links"] = {
            "prev": f"{url}?page[before]={first}",
            "next": f"{url}?page[after]={last}",
        }
    return answer


def app_answer(world: ZendeskWorld) -> dict[str, Any]:
    """Return the app; its subdomain belongs to tokenInfo."""
    return {
        "id": world.switches.app_id,
        "displayName": world.switches.subdomain.title(),
        "settings": {"multiConvoEnabled": True},
        "metadata": {},
    }


def integration_answer(world: ZendeskWorld) -> Mapping[str, Any]:
    """Return the portal's own integration."""
    own = world.switches.integration_id
    hooks = [one for one in world.webhooks() if one.integration_id == own]
    return {
        "id": own,
        "type": "custom",
        "status": "active",
        "displayName": world.switches.own_switchboard_name,
        # The official models take exactly one here; the list of webhooks has them all.
        "webhooks": [webhook_answer(one) for one in hooks[:1]],
    }
