"""The simulated endpoints for users, conversations, participants and control."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request

from integrations.vendors.zendesk.simulator import checks, switchboard
from integrations.vendors.zendesk.simulator.answers import (
    conversation_answer,
    participant_answer,
    truncated_conversation,
    truncated_user,
    user_answer,
)
from integrations.vendors.zendesk.simulator.checks import VendorError
from integrations.vendors.zendesk.simulator.messages import SOURCE, find_user, greet
from integrations.vendors.zendesk.simulator.records import (
    Conversation,
    Participant,
    User,
    Webhook,
    time_text,
)
from integrations.vendors.zendesk.simulator.requests import Answer, Endpoints, created
from integrations.vendors.zendesk.simulator.switchboard import ControlRequest

PROPERTIES = ("displayName", "description", "iconUrl")
MAX_PARTICIPANTS = 10


class ConversationEndpoints(Endpoints):
    """Opens, finds, changes and removes conversations, and moves control."""

    def create_conversation(self, request: Request) -> Answer:
        """Create a conversation; the default switchboard integration gets control."""
        body = self._body(request)
        checks.check_conversation(body, is_new=True)
        given = body.get("participants") or []
        users = [find_user(self._world, one) for one in given]
        conversation = self._new(body, users)
        self._tell_created(conversation)
        answer = conversation_answer(self._world, conversation)
        return created({"conversation": answer})

    def _new(self, body: Mapping[str, Any], users: list[User]) -> Conversation:
        world, now = self._world, self._world.now_ms()
        earlier = [one for user in users for one in world.conversations_of(user)]
        conversation = Conversation(
            type=body["type"],
            participants=[Participant(user_id=user.user_id) for user in users],
            properties={name: body[name] for name in PROPERTIES if name in body},
            metadata=dict(body.get("metadata") or {}),
            # A user's first personal conversation is their default one.
            is_default=body["type"] == "personal"
            and not [one for one in earlier if one.type == "personal"],
            created_ms=now,
            updated_ms=now,
            active=world.default_id if world.switches.is_switchboard_enabled else None,
        )
        return world.conversations.add(conversation)

    def _tell_created(self, conversation: Conversation) -> None:
        user = self._world.person(conversation)

        def payload(webhook: Webhook) -> dict[str, Any]:
            shown = {
                "conversation": truncated_conversation(self._world, conversation),
                "creationReason": "startConversation",
                "source": dict(SOURCE),
            }
            is_personal = user is not None and conversation.type == "personal"
            if user is not None and is_personal:
                shown["user"] = self._world.shown_user(webhook, user)
            return shown

        self._world.events.publish("conversation:create", payload, conversation=conversation)

    def list_conversations(self, request: Request) -> Answer:
        """List a user's conversations; the user is named by exactly one filter."""
        self._caller(request)
        query = request.query_params
        by_id, by_external = query.get("filter[userId]"), query.get("filter[userExternalId]")
        if bool(by_id) == bool(by_external):
            raise VendorError(400, "filter[userId] or filter[userExternalId] is required")
        reference = {"userId": by_id} if by_id else {"userExternalId": by_external}
        user = find_user(self._world, reference)
        found = self._world.conversations_of(user)
        shown = [conversation_answer(self._world, one) for one in found]
        return self._list(request, "conversations", shown)

    def get_conversation(self, request: Request) -> Answer:
        """Return a conversation."""
        return self._answer(self._conversation(request))

    def update_conversation(self, request: Request) -> Answer:
        """Change a conversation; metadata is merged, and null takes a key away."""
        body = self._body(request)
        conversation = self._conversation(request)
        checks.check_conversation(body, is_new=False)
        given = {name: body[name] for name in PROPERTIES if name in body}
        conversation.properties = merged(conversation.properties, given)
        conversation.metadata = merged(conversation.metadata, body.get("metadata"))
        conversation.updated_ms = self._world.now_ms()
        return self._answer(conversation)

    def delete_conversation(self, request: Request) -> Answer:
        """Remove a conversation; a user's default one stays."""
        conversation = self._conversation(request)
        if conversation.is_default:
            raise VendorError(400, "The default conversation cannot be deleted")
        self._world.tell(conversation, "conversation:remove", {})
        del self._world.conversations[conversation.conversation_id]
        return {}

    # -- Participants -------------------------------------------------------------------------

    def list_participants(self, request: Request) -> Answer:
        """List who takes part."""
        conversation = self._conversation(request)
        shown = [participant_answer(self._world, one) for one in conversation.participants]
        return self._list(request, "participants", shown)

    def join(self, request: Request) -> Answer:
        """Add a user to a group conversation."""
        body = self._body(request)
        conversation = self._group(request)
        checks.user_reference(body).done()
        user = find_user(self._world, body)
        if len(conversation.participants) >= MAX_PARTICIPANTS:
            raise VendorError(400, "The conversation has 10 participants already")
        participant = Participant(user_id=user.user_id)
        conversation.participants.append(participant)
        self._world.tell(conversation, "conversation:join", {"user": truncated_user(user)})
        answer = participant_answer(self._world, participant)
        return created({"participant": answer})

    def leave(self, request: Request) -> Answer:
        """Take a user out of a group conversation."""
        body = self._body(request)
        conversation = self._group(request)
        for one in list(conversation.participants):
            user = self._world.users[one.user_id]
            named = (body.get("participantId"), body.get("userId"), body.get("userExternalId"))
            if one.participant_id in named or {user.user_id, user.external_id} & set(named):
                conversation.participants.remove(one)
                shown = {"user": truncated_user(user)}
                self._world.tell(conversation, "conversation:leave", shown)
        return {}

    def _group(self, request: Request) -> Conversation:
        conversation = self._conversation(request)
        if conversation.type != "sdkGroup":
            raise VendorError(400, "Only an sdkGroup conversation can be joined or left")
        return conversation

    # -- Control ------------------------------------------------------------------------------

    def pass_control(self, request: Request) -> Answer:
        """Make the target active."""
        return self._transfer(request, switchboard.pass_control)

    def offer_control(self, request: Request) -> Answer:
        """Make the target pending."""
        return self._transfer(request, switchboard.offer_control)

    def accept_control(self, request: Request) -> Answer:
        """Make the caller's own integration active; it must be pending."""
        switchboard.accept_control(self._asked(request, is_target_needed=False))
        return {}

    def release_control(self, request: Request) -> Answer:
        """Let nobody be active; the caller's own integration must be."""
        switchboard.release_control(self._asked(request, is_target_needed=False))
        return {}

    def _transfer(
        self, request: Request, transfer: Callable[[ControlRequest, str], None]
    ) -> Answer:
        asked = self._asked(request, is_target_needed=True)
        had_ticket = asked.conversation.ticket_id
        transfer(asked, self._body(request)["switchboardIntegration"])
        if asked.conversation.ticket_id != had_ticket:
            greet(self._world, asked.conversation)
        return {}

    def _asked(self, request: Request, *, is_target_needed: bool) -> ControlRequest:
        body = self._body(request, is_needed=is_target_needed)
        conversation = self._conversation(request)
        checks.check_control(body, is_target_needed=is_target_needed)
        return ControlRequest(
            world=self._world,
            conversation=conversation,
            metadata=body.get("metadata") or {},
            by=self._world.switches.integration_id,
        )

    def _answer(self, conversation: Conversation) -> Answer:
        return {"conversation": conversation_answer(self._world, conversation)}


class UserEndpoints(Endpoints):
    """Creates, finds, changes and removes users."""

    def create_user(self, request: Request) -> Answer:
        """Create a user; an external id that is taken is a conflict."""
        body = self._body(request)
        checks.check_user(body, is_new=True)
        if [one for one in self._users() if one.external_id == body["externalId"]]:
            raise VendorError(409, "A user with this externalId exists")
        user = User(
            external_id=body["externalId"],
            profile=dict(body.get("profile") or {}),
            metadata=dict(body.get("metadata") or {}),
            signed_up_at=body.get("signedUpAt") or time_text(self._world.now_ms()),
        )
        self._world.users.add(user)
        return created({"user": user_answer(user)})

    def list_users(self, request: Request) -> Answer:
        """List the users with an e-mail address; the filter is required."""
        self._caller(request)
        email = request.query_params.get("filter[identities.email]")
        if not email:
            raise VendorError(400, "filter[identities.email] is required")
        found = [one for one in self._users() if one.profile.get("email") == email]
        return self._list(request, "users", [user_answer(one) for one in found])

    def get_user(self, request: Request) -> Answer:
        """Return a user by either id."""
        return _user_answer(self._user(request))

    def update_user(self, request: Request) -> Answer:
        """Change a user; metadata is merged, and null takes a key away."""
        body = self._body(request)
        user = self._user(request)
        checks.check_user(body, is_new=False)
        user.profile = merged(user.profile, body.get("profile"))
        user.metadata = merged(user.metadata, body.get("metadata"))
        user.signed_up_at = body.get("signedUpAt") or user.signed_up_at
        return _user_answer(user)

    def delete_user(self, request: Request) -> Answer:
        """Remove a user and the personal conversations they leave empty."""
        user = self._user(request)
        for conversation in self._world.conversations_of(user):
            self._world.tell(conversation, "conversation:remove", {})
            del self._world.conversations[conversation.conversation_id]
        del self._world.users[user.user_id]
        shown = {"user": truncated_user(user)}
        self._world.events.publish("user:remove", lambda _webhook: shown)
        return {}

    def delete_personal_information(self, request: Request) -> Answer:
        """Remove what is known of a user beside their id."""
        user = self._user(request)
        user.profile, user.metadata = {}, {}
        return _user_answer(user)

    def sync_user(self, request: Request) -> Answer:
        """Bring a user in line with their Support user."""
        self._caller(request)
        wanted = request.path_params["user_id"]
        found = [one for one in self._users() if one.zendesk_id == wanted]
        if not found:
            raise VendorError(404, "User not found", code="user_not_found")
        return _user_answer(found[0])

    def list_clients(self, request: Request) -> Answer:
        """List a user's clients: a user made by API has none."""
        self._user(request)
        return self._list(request, "clients", [])

    def list_devices(self, request: Request) -> Answer:
        """List a user's devices: a user made by API has none."""
        self._user(request)
        return {"devices": []}

    def _users(self) -> list[User]:
        return list(self._world.users.values())


def _user_answer(user: User) -> Answer:
    return {"user": user_answer(user)}


def merged(kept: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return properties with changes laid over them; null takes one away."""
    both = {**kept, **(given or {})}
    return {name: value for name, value in both.items() if value is not None}
