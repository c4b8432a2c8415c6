"""The simulated endpoints for users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from integrations.vendors.zendesk.simulator import checks
from integrations.vendors.zendesk.simulator.answers import truncated_user, user_answer
from integrations.vendors.zendesk.simulator.checks import VendorError
from integrations.vendors.zendesk.simulator.requests import Endpoints
from integrations.vendors.zendesk.simulator.state import User, time_text


class UserEndpoints(Endpoints):
    """Creates, finds, changes and removes users."""

    async def create_user(self, request: Request) -> Response:
        """Create a user; an external id that is taken is a conflict."""
        body = await self._body(request)
        with self._simulator.change():
            checks.check_user(body, is_new=True)
            if [one for one in self._users() if one.external_id == body["externalId"]]:
                raise VendorError(409, "A user with this externalId exists")
            user = User(
                external_id=body["externalId"],
                profile=dict(body.get("profile") or {}),
                metadata=dict(body.get("metadata") or {}),
                signed_up_at=body.get("signedUpAt") or time_text(self._account.now_ms()),
            )
            self._account.users[user.user_id] = user
            return JSONResponse({"user": user_answer(user)}, status_code=201)

    async def list_users(self, request: Request) -> Response:
        """List the users with an e-mail address; the filter is required."""
        with self._simulator.change():
            self._caller(request)
            email = request.query_params.get("filter[identities.email]")
            if not email:
                raise VendorError(400, "filter[identities.email] is required")
            found = [one for one in self._users() if one.profile.get("email") == email]
            return JSONResponse(self._list(request, "users", [user_answer(one) for one in found]))

    async def get_user(self, request: Request) -> Response:
        """Return a user by either id."""
        with self._simulator.change():
            return _answer(self._user(request))

    async def update_user(self, request: Request) -> Response:
        """Change a user; metadata is merged, and null takes a key away."""
        body = await self._body(request)
        with self._simulator.change():
            user = self._user(request)
            checks.check_user(body, is_new=False)
            user.profile = merged(user.profile, body.get("profile"))
            user.metadata = merged(user.metadata, body.get("metadata"))
            user.signed_up_at = body.get("signedUpAt") or user.signed_up_at
            return _answer(user)

    async def delete_user(self, request: Request) -> Response:
        """Remove a user and the personal conversations they leave empty."""
        with self._simulator.change():
            user = self._user(request)
            for conversation in self._account.conversations_of(user):
                self._world.tell(conversation, "conversation:remove", {})
                del self._account.conversations[conversation.conversation_id]
            del self._account.users[user.user_id]
            shown = {"user": truncated_user(user)}
            self._world.events.publish("user:remove", lambda _webhook: shown)
            return JSONResponse({})

    async def delete_personal_information(self, request: Request) -> Response:
        """Remove what is known of a user beside their id."""
        with self._simulator.change():
            user = self._user(request)
            user.profile, user.metadata = {}, {}
            return _answer(user)

    async def sync_user(self, request: Request) -> Response:
        """Bring a user in line with their Support user."""
        with self._simulator.change():
            self._caller(request)
            wanted = request.path_params["user_id"]
            found = [one for one in self._users() if one.zendesk_id == wanted]
            if not found:
                raise VendorError(404, "User not found", code="user_not_found")
            return _answer(found[0])

    async def list_clients(self, request: Request) -> Response:
        """List a user's clients: a user made by API has none."""
        with self._simulator.change():
            self._user(request)
            return JSONResponse(self._list(request, "clients", []))

    async def list_devices(self, request: Request) -> Response:
        """List a user's devices: a user made by API has none."""
        with self._simulator.change():
            self._user(request)
            return JSONResponse({"devices": []})

    def _users(self) -> list[User]:
        return list(self._account.users.values())


def _answer(user: User) -> Response:
    return JSONResponse({"user": user_answer(user)})


def merged(kept: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return properties with changes laid over them; null takes one away."""
    both = {**kept, **(given or {})}
    return {name: value for name, value in both.items() if value is not None}
