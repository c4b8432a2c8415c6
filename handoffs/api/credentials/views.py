"""The Credentials API: a vendor's connections as a document (agent_api section 14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.access import project_open
from conversations.api.errors import BadFieldError, EnvelopeView, RefusedError, error_response
from conversations.api.schema import answer
from handoffs.api.credentials import schema
from handoffs.api.credentials.answers import checks_shown, document_shown, status_shown
from handoffs.lifecycle.in_use import integrations_in_use
from integrations.connect.documents.planning import Place, document_plan
from integrations.connect.documents.reading import (
    DocumentError,
    MalformedError,
    document_read,
    vendor_named,
)
from integrations.connect.documents.saving import (
    TestFailedError,
    document_delete,
    document_put,
    planned_test,
    row_test,
)
from integrations.connect.testing import TooManyTestsError
from integrations.connections.destinations import credential_set_for
from integrations.connections.outcomes import has_passed
from integrations.connections.services import DefaultInUseError, SetInUseError
from integrations.contract.connector import CheckResult
from integrations.contract.registry import manifest_get
from integrations.entry.envelope import envelope
from integrations.models import ApiKey, Environment, Integration

REQUESTS_PER_MINUTE = 60


class _View(EnvelopeView):
    """A call about one vendor's connections in one environment."""

    def act(
        self,
        request: Request,
        account_id: str,
        project_id: str,
        vendor: str,
        client_env: str,
        do: Callable[[Place, ApiKey], Response],
    ) -> Response:
        """Open the project, find the vendor, do it; every refusal has the envelope."""
        permission = ApiKey.Permission.INTEGRATIONS
        try:
            opened = project_open(
                request, account_id, project_id, permission, limit=REQUESTS_PER_MINUTE
            )
            found = vendor_named(vendor)
            if found is None:
                return error_response(404, "NOT_FOUND", "There is no connector of this name.")
            if client_env not in Environment.values:
                known = ", ".join(Environment.values)
                return error_response(404, "NOT_FOUND", f"The environments are {known}.")
            place = Place(project=opened.project, environment=client_env, vendor=found)
            return do(place, opened.key)
        except MalformedError as error:
            raise BadFieldError(str(error)) from error
        except DocumentError as error:
            problems = [{"path": path, "message": text} for path, text in error.problems]
            body = {**envelope("INVALID_CREDENTIALS", str(error)), "errors": problems}
            return Response(body, status=422)
        except TestFailedError as error:
            return _test_failed(error)
        except SetInUseError as error:
            return error_response(409, "SET_IN_USE", _in_use(error.integration))
        except DefaultInUseError:
            text = (
                "The default agent system is among them. Make another connection the default "
                "first: PUT it with the setting default_agent_system."
            )
            return error_response(409, "DEFAULT_IN_USE", text)
        except TooManyTestsError as error:
            text = f"Ten tests a minute are allowed. Wait {error.wait_seconds} s and test again."
            raise RefusedError(429, "RATE_LIMITED", text, wait=error.wait_seconds) from error


class CredentialsView(_View):
    """…/messaging-handoff-integrations/{vendor}/{client_env}."""

    @schema.API.operation(
        "credentials_retrieve",
        "Read a vendor's connections",
        "Every field of every set; secrets are masked. 404 while none is connected.",
        parameters=schema.PARAMETERS,
        gives=answer(schema.CredentialsOut, "They are.", schema.SHOWN),
    )
    def get(self, request: Request, **names: str) -> Response:
        """Return the document."""

        def do(place: Place, key: ApiKey) -> Response:
            if not place.connected():
                return error_response(404, "NOT_FOUND", "Nothing is connected here.")
            return Response(document_shown(place))

        return self.act(request, **names, do=do)

    @schema.API.operation(
        "credentials_update",
        "Connect a vendor",
        "Makes the connections what the document says: sets that it leaves out are "
        "disconnected. Values are judged as in the Connect form and tested at the vendor; "
        "where one set is refused nothing is saved. The same document again does nothing. It "
        "takes effect at once; open handoffs go on with what they began with.",
        parameters=schema.PARAMETERS,
        takes=schema.CredentialsUpdate,
        examples=[schema.PUT],
        gives=answer(schema.CredentialsUpdateOut, "As they are now.", schema.SHOWN),
        _400="INVALID_REQUEST",
        _409="DEFAULT_IN_USE SET_IN_USE",
        _422="INVALID_CREDENTIALS CONNECTION_TEST_FAILED",
    )
    def put(self, request: Request, **names: str) -> Response:
        """Judge, test, save."""

        def do(place: Place, key: ApiKey) -> Response:
            document = document_read(request.data)
            document_put(place, document, key=key, in_use=integrations_in_use())
            return Response(document_shown(place))

        return self.act(request, **names, do=do)

    @schema.API.operation(
        "credentials_destroy",
        "Disconnect a vendor",
        "Every set of it. Open handoffs go on; their credentials go when they end.",
        parameters=schema.PARAMETERS,
        gives=answer(None, "Nothing is connected here any more.", status=204),
        _409="DEFAULT_IN_USE",
    )
    def delete(self, request: Request, **names: str) -> Response:
        """Disconnect; doing it twice is fine."""

        def do(place: Place, key: ApiKey) -> Response:
            document_delete(place, key=key, in_use=integrations_in_use())
            return Response(status=204)

        return self.act(request, **names, do=do)


class CredentialsTestView(_View):
    """POST …/test."""

    @schema.API.operation(
        "credentials_test_create",
        "Test a connection",
        "Runs the checks of Test connection on the values in use, or on those sent, "
        "which are not saved. A check that fails is no error of the call. Ten a minute.",
        parameters=[*schema.PARAMETERS, schema.ONE_SET],
        takes=schema.CredentialsTest,
        examples=[schema.TEST],
        gives=answer(schema.CredentialsTestOut, "The test ran.", schema.TESTED),
        _400="INVALID_REQUEST",
        _422="INVALID_CREDENTIALS",
    )
    def post(self, request: Request, **names: str) -> Response:
        """Test, and keep the outcome where the values in use were tested."""

        def do(place: Place, key: ApiKey) -> Response:
            body = request.data or {}
            if not isinstance(body, Mapping):
                raise BadFieldError("The body must be a JSON object.")
            name = _set_name(request, place)
            if body.get("credential_sets"):
                return _tested_values(place, dict(body), name, key)
            row = next((one for one in place.connected() if one.credential_set == name), None)
            if row is None:
                return error_response(404, "NOT_FOUND", "Nothing is connected under this name.")
            return _tested(row_test(row, key))

        return self.act(request, **names, do=do)


class CredentialsStatusView(_View):
    """GET …/status."""

    @schema.API.operation(
        "credentials_status_retrieve",
        "See how a connection stands",
        "What its tile says, and how many handoffs are open there.",
        parameters=[*schema.PARAMETERS, schema.ONE_SET],
        gives=answer(schema.CredentialsStatusOut, "So it is.", schema.STATUS),
        _400="INVALID_REQUEST",
    )
    def get(self, request: Request, **names: str) -> Response:
        """Answer `not_connected` for a set that is not there."""

        def do(place: Place, key: ApiKey) -> Response:
            name = _set_name(request, place)
            row = next((one for one in place.connected() if one.credential_set == name), None)
            return Response(status_shown(row))

        return self.act(request, **names, do=do)


def _set_name(request: Request, place: Place) -> str:
    asked = str(request.query_params.get("credential_set", ""))
    return asked or credential_set_for(
        place.project, place.environment, place.vendor.integration_key
    )


def _tested_values(place: Place, body: dict[str, Any], name: str, key: ApiKey) -> Response:
    """Test one set of those that were sent: the one that is named, or the only one."""
    sets = body["credential_sets"]
    if isinstance(sets, Mapping) and len(sets) == 1:
        name = next(iter(sets))
    if not isinstance(sets, Mapping) or name not in sets:
        raise BadFieldError("Name one of the sets with the parameter credential_set.")
    document = document_read({"credential_sets": {name: sets[name]}})
    [planned] = document_plan(place, document)
    return _tested(planned_test(place, [planned], key)[name].results)


def _tested(results: Sequence[CheckResult]) -> Response:
    shown = checks_shown(results)
    return Response({"ok": has_passed(results), "checks": shown})


def _test_failed(error: TestFailedError) -> Response:
    checks = {name: checks_shown(test.results) for name, test in error.tests.items()}
    failed = {
        name: next((one for one in shown if not one["ok"]), None) for name, shown in checks.items()
    }
    said = [
        f"{name}: {one['name']} ended with {one['code']}" for name, one in failed.items() if one
    ]
    text = f"{'; '.join(said)}. Nothing was saved; mend the values, or send save_anyway."
    body = {**envelope("CONNECTION_TEST_FAILED", text), "checks": checks}
    return Response(body, status=422)


def _in_use(row: Integration) -> str:
    name = manifest_get(row.connector_key).name
    return f"The set {row.credential_set} is connected as {name}. Disconnect it first."
