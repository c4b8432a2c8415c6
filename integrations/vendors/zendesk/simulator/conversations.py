"""The simulated endpoints for users, conversations and participants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from integrations.simulators.answers import endpoint
from integrations.vendors.zendesk.simulator import checks
from integrations.vendors.zendesk.simulator.app import APP, Answer, Endpoints, created
from integrations.vendors.zendesk.simulator.checks import VendorError
from integrations.vendors.zendesk.simulator.messages import SOURCE, find_user
from integrations.vendors.zendesk.simulator.records import (
    Conversation,
    Participant,
    User,
    time_text,
)

PROPERTIES = ("displayName", "description", "iconUrl")
MAX_PARTICIPANTS = 10
USERS = APP + "/users"
# An external id may hold slashes: what stands behind it is to be looked for first.
USER = USERS + "/{user_id:path}"
CONVERSATIONS = APP + "/conversations"
CONVERSATION = CONVERSATIONS + "/{conversation_id}"


class ConversationEndpoints(Endpoints):
    """Opens, finds, changes and removes conversations, and says who takes part."""

    @endpoint("POST", CONVERSATIONS)
    def create_conversation(self, request: Request) -> Answer:
        """Create a conversation; the default switchboard integration gets control."""
        body = self._body(request, checks.NEW_CONVERSATION)
        users = [find_user(self._world, one) for one in body.get("participants") or []]
        conversation = self._new(body, users)
        told = {"creationReason": "startConversation", "source": dict(SOURCE)}
        who = {"user": users[0]} if users and conversation.type == "personal" else {}
        self._world.tell(conversation, "conversation:create", {**told, **who})
        return created(self._answer(conversation))

    def _new(self, body: Mapping[str, Any], users: list[User]) -> Conversation:
        world, now = self._world, self._world.now_ms()
        earlier = [one.type for user in users for one in world.conversations_of(user)]
        conversation = Conversation(
            type=body["type"],
            participants=[Participant(user_id=user.user_id) for user in users],
            properties={name: body[name] for name in PROPERTIES if name in body},
            metadata=dict(body.get("metadata") or {}),
            # A user's first personal conversation is their default one.
            is_default=body["type"] == "personal" and "personal" not in earlier,
            created_ms=now,
            updated_ms=now,
            active=world.default_id if world.switches.is_switchboard_enabled else None,
        )
        return world.conversations.add(conversation)

    @endpoint("GET", CONVERSATIONS)
    def list_conversations(self, request: Request) -> Answer:
        """List a user's conversations; the user is named by exactly one filter."""
        self._caller(request)
        query = request.query_params
        by_id, by_external = query.get("filter[userId]"), query.get("filter[userExternalId]")
        if bool(by_id) == bool(by_external):
            raise VendorError(400, "filter[userId] or filter[userExternalId] is required")
        reference = {"userId": by_id} if by_id else {"userExternalId": by_external}
        found = self._world.conversations_of(find_user(self._world, reference))
        return self._list(request, "conversations", [self._shown(one) for one in found])

    @endpoint("GET", CONVERSATION)
    def get_conversation(self, request: Request) -> Answer:
        """Return a conversation."""
        return self._answer(self._conversation(request))

    @endpoint("PATCH", CONVERSATION)
    def update_conversation(self, request: Request) -> Answer:
        """Change a conversation; metadata is merged, and null takes a key away."""
        body = self._body(request, checks.CONVERSATION_CHANGE)
        conversation = self._conversation(request)
        given = {name: body[name] for name in PROPERTIES if name in body}
        conversation.properties = _merged(conversation.properties, given)
        conversation.metadata = _merged(conversation.metadata, body.get("metadata"))
        conversation.updated_ms = self._world.now_ms()
        return self._answer(conversation)

    @endpoint("DELETE", CONVERSATION)
    def delete_conversation(self, request: Request) -> Answer:
        """Remove a conversation; a user's default one stays."""
        conversation = self._conversation(request)
        if conversation.is_default:
            raise VendorError(400, "The default conversation cannot be deleted")
        self._world.tell(conversation, "conversation:remove", {})
        del self._world.conversations[conversation.conversation_id]
        return {}

    def _answer(self, conversation: Conversation) -> Mapping[str, Any]:
        return {"conversation": self._shown(conversation)}

    def _shown(self, conversation: Conversation) -> dict[str, Any]:
        read_at = conversation.business_last_read
        return {
            **self._world.truncated(conversation),
            "metadata": conversation.metadata,
            "isDefault": conversation.is_default,
            **conversation.properties,
            "createdAt": time_text(conversation.created_ms),
            "lastUpdatedAt": time_text(conversation.updated_ms),
            **({"businessLastRead": read_at} if read_at else {}),
        }

    # -- Participants -------------------------------------------------------------------------

    @endpoint("GET", CONVERSATION + "/participants")
    def list_participants(self, request: Request) -> Answer:
        """List who takes part."""
        found = self._conversation(request).participants
        return self._list(request, "participants", [self._participant(one) for one in found])

    @endpoint("POST", CONVERSATION + "/join")
    def join(self, request: Request) -> Answer:
        """Add a user to a group conversation."""
        body = self._body(request, checks.USER_REFERENCE)
        conversation = self._group(request)
        user = find_user(self._world, body)
        if len(conversation.participants) >= MAX_PARTICIPANTS:
            raise VendorError(400, "The conversation has 10 participants already")
        participant = Participant(user_id=user.user_id)
        conversation.participants.append(participant)
        self._world.tell(conversation, "conversation:join", {"user": user})
        return created({"participant": self._participant(participant)})

    @endpoint("POST", CONVERSATION + "/leave")
    def leave(self, request: Request) -> Answer:
        """Take a user out of a group conversation."""
        body = self._body(request, checks.LEAVE)
        conversation = self._group(request)
        named = {body.get(one) for one in ("participantId", "userId", "userExternalId")}
        for one in list(conversation.participants):
            user = self._world.users[one.user_id]
            if named & {one.participant_id, user.user_id, user.external_id}:
                conversation.participants.remove(one)
                self._world.tell(conversation, "conversation:leave", {"user": user})
        return {}

    def _group(self, request: Request) -> Conversation:
        conversation = self._conversation(request)
        if conversation.type != "sdkGroup":
            raise VendorError(400, "Only an sdkGroup conversation can be joined or left")
        return conversation

    def _participant(self, participant: Participant) -> dict[str, Any]:
        user = self._world.users.get(participant.user_id)
        return {
            "id": participant.participant_id,
            "userId": participant.user_id,
            "unreadCount": 0,
            "clientAssociations": [],
            **({"userExternalId": user.external_id} if user else {}),
            **({"lastRead": participant.last_read} if participant.last_read else {}),
        }


class UserEndpoints(Endpoints):
    """Creates, finds, changes and removes users."""

    @endpoint("POST", USERS)
    def create_user(self, request: Request) -> Answer:
        """Create a user; an external id that is taken is a conflict."""
        body = self._body(request, checks.NEW_USER)
        if body["externalId"] in [one.external_id for one in self._world.users.values()]:
            raise VendorError(409, "A user with this externalId exists")
        user = User(
            external_id=body["externalId"],
            profile=dict(body.get("profile") or {}),
            metadata=dict(body.get("metadata") or {}),
            signed_up_at=body.get("signedUpAt") or time_text(self._world.now_ms()),
        )
        return created(_user_answer(self._world.users.add(user)))

    @endpoint("GET", USERS)
    def list_users(self, request: Request) -> Answer:
        """List the users with an e-mail address; the filter is required."""
        self._caller(request)
        email = request.query_params.get("filter[identities.email]")
        if not email:
            raise VendorError(400, "filter[identities.email] is required")
        found = [one for one in self._world.users.values() if one.profile.get("email") == email]
        return self._list(request, "users", [one.shown() for one in found])

    @endpoint("DELETE", USER + "/personalinformation")
    def delete_personal_information(self, request: Request) -> Answer:
        """Remove what is known of a user beside their id."""
        user = self._user(request)
        user.profile, user.metadata = {}, {}
        return _user_answer(user)

    @endpoint("POST", USER + "/sync")
    def sync_user(self, request: Request) -> Answer:
        """Bring a user in line with their Support user, by whose id they are named."""
        self._caller(request)
        wanted = request.path_params["user_id"]
        found = [one for one in self._world.users.values() if one.zendesk_id == wanted]
        if not found:
            raise VendorError(404, "User not found", code="user_not_found")
        return _user_answer(found[0])

    @endpoint("GET", USER + "/clients")
    def list_clients(self, request: Request) -> Answer:
        """List a user's clients: a user made by API has none."""
        self._user(request)
        return self._list(request, "clients", [])

    @endpoint("GET", USER + "/devices")
    def list_devices(self, request: Request) -> Answer:
        """List a user's devices: a user made by API has none."""
        self._user(request)
        return {"devices": []}

    @endpoint("GET", USER)
    def get_user(self, request: Request) -> Answer:
        """Return a user by either id."""
        return _user_answer(self._user(request))

    @endpoint("PATCH", USER)
    def update_user(self, request: Request) -> Answer:
        """Change a user; metadata is merged, and null takes a key away."""
        body = self._body(request, checks.USER_CHANGE)
        user = self._user(request)
        user.profile = _merged(user.profile, body.get("profile"))
        user.metadata = _merged(user.metadata, body.get("metadata"))
        user.signed_up_at = body.get("signedUpAt") or user.signed_up_at
        return _user_answer(user)

    @endpoint("DELETE", USER)
    def delete_user(self, request: Request) -> Answer:
        """Remove a user and the personal conversations they leave empty."""
        user = self._user(request)
        for conversation in self._world.conversations_of(user):
            self._world.tell(conversation, "conversation:remove", {})
            del self._world.conversations[conversation.conversation_id]
        del self._world.users[user.user_id]
        self._world.events.publish("user:remove", {"user": user})
        return {}

    def _user(self, request: Request) -> User:
        self._caller(request)
        found = self._world.find_user(request.path_params["user_id"])
        if found is None:
            raise VendorError(404, "User not found", code="user_not_found")
        return found


def _user_answer(user: User) -> Mapping[str, Any]:
    return {"user": user.shown()}


def _merged(kept: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return properties with changes laid over them; null takes one away."""
    both = {**kept, **(given or {})}
    return {name: value for name, value in both.items() if value is not None}
