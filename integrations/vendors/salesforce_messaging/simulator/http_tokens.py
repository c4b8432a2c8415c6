"""The simulated token endpoints: anonymous, verified, continuation, revocation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from integrations.vendors.salesforce_messaging.simulator import checks
from integrations.vendors.salesforce_messaging.simulator.answers import token_answer
from integrations.vendors.salesforce_messaging.simulator.checks import VendorError
from integrations.vendors.salesforce_messaging.simulator.requests import Endpoints
from integrations.vendors.salesforce_messaging.simulator.state import EndUser
from integrations.vendors.salesforce_messaging.simulator.tokens import IdentityRefusedError


class TokenEndpoints(Endpoints):
    """Gives and takes access tokens."""

    async def anonymous_token(self, request: Request) -> Response:
        """Give a token to an end user nobody knows."""
        body = await self._body(request, checks.TOKEN)
        with self._simulator.change():
            self._check_deployment(body)
            return self._token_answer(self._org.anonymous_end_user())

    async def verified_token(self, request: Request) -> Response:
        """Give a token to the end user a customer identity token names."""
        body = await self._body(request, checks.IDENTITY_TOKEN)
        with self._simulator.change():
            self._check_deployment(body)
            checks.check_one_of(body["authorizationType"], ("JWT",), "authorizationType")
            return self._token_answer(self._identified(body["customerIdentityToken"]))

    def _identified(self, identity_token: str) -> EndUser:
        try:
            return self._org.verified_end_user(self._org.tokens.verify_identity(identity_token))
        except IdentityRefusedError as error:
            if self._org.switches.auth_failure_mode == "reject":
                raise VendorError(401, f"Identity token refused: {error}") from error
            return self._org.anonymous_end_user()

    def _check_deployment(self, body: Mapping[str, Any]) -> None:
        checks.check_org(body["orgId"], self._org.org_id)
        self._check_developer_name(body.get("esDeveloperName"))
        checks.check_one_of(body["platform"], ("Web", "Mobile"), "platform")

    def _token_answer(self, end_user: EndUser) -> Response:
        ttl = self._org.switches.token_ttl_seconds
        signed, _token = self._org.tokens.issue(end_user.subject, ttl_seconds=ttl)
        return JSONResponse(token_answer(self._org, end_user, signed))

    async def continuation_token(self, request: Request) -> Response:
        """Give the same end user a token for another client; it expires no later."""
        with self._simulator.change():
            signed, _token = self._org.tokens.continue_from(self._token(request))
            last = self._org.events.last_event_id
            return JSONResponse({"accessToken": signed, "lastEventId": last})

    async def revoke_token(self, request: Request) -> Response:
        """Revoke a verified end user's token and close its streams."""
        with self._simulator.change():
            token = self._token(request)
            if not token.is_authenticated:
                raise VendorError(403, "Only the token of a verified user can be revoked.")
            self._org.tokens.revoke(token)
            for stream in self._org.events.open_streams(token.subject):
                stream.notify()
            return Response(status_code=204)
