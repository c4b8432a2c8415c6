"""How the simulated API reads a request: who asks, about what, with which body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from integrations.simulators.simulator import Simulator
from integrations.vendors.salesforce_messaging.simulator import checks
from integrations.vendors.salesforce_messaging.simulator.checks import VendorError
from integrations.vendors.salesforce_messaging.simulator.messages import end_user_participant
from integrations.vendors.salesforce_messaging.simulator.org import Org
from integrations.vendors.salesforce_messaging.simulator.state import Conversation
from integrations.vendors.salesforce_messaging.simulator.tokens import (
    AccessToken,
    TokenRefusedError,
)


class Endpoints:
    """What all groups of endpoints share; every refusal is a VendorError."""

    def __init__(self, simulator: Simulator, org: Org) -> None:
        self._simulator = simulator
        self._org = org

    def _token(self, request: Request) -> AccessToken:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise VendorError(401, "Jwt is missing")
        try:
            return self._org.tokens.check(bearer.strip())
        except TokenRefusedError as error:
            raise VendorError(401, str(error)) from error

    def _conversation(self, request: Request) -> tuple[AccessToken, Conversation]:
        token = self._token(request)
        conversation = self._org.conversations.get(request.path_params["conversation_id"])
        if conversation is None or conversation.subject != token.subject:
            raise VendorError(404, "The conversation was not found.")
        return token, conversation

    async def _body(self, request: Request, shape: checks.Shape) -> Mapping[str, Any]:
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise VendorError(415, "Content-Type must be application/json.")
        try:
            body = json.loads(await request.body())
        except ValueError as error:
            raise VendorError(400, "The request body is not JSON.") from error
        return checks.check_shape(body, shape, is_strict=self._org.switches.strict_properties)

    def _check_developer_name(self, name: str | None) -> None:
        if name != self._org.es_developer_name:
            raise VendorError(400, checks.DEPLOYMENT_TEXT)

    def _attributes(self, body: Mapping[str, Any], *, is_form_checked: bool) -> dict[str, str]:
        attributes = checks.check_attributes(body.get("routingAttributes", {}))
        if is_form_checked:
            checks.check_prechat(self._org.switches.prechat_fields, attributes)
        return dict(attributes)

    def _participant(self, token: AccessToken) -> dict[str, str]:
        return end_user_participant(self._org.end_users[token.subject], token.client_identifier)
