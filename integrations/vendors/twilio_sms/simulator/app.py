"""The REST API at the vendor's own paths; refuses what the vendor would refuse, by its numbers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.simulators.answers import AsciiJSONResponse
from integrations.vendors.twilio_sms.simulator.world import VERSION, Number

if TYPE_CHECKING:
    from integrations.vendors.twilio_sms.simulator.simulator import TwilioSimulator

_ACCOUNT = f"/{VERSION}/Accounts/{{sid}}"
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{5,6}")
_FORM = "application/x-www-form-urlencoded"
MAX_BODY, MAX_MEDIA, MAX_PAGE = 1600, 10, 1000
# The vendor's own numbers for trying errors: as sender, as recipient.
FROM_ERRORS = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
TO_ERRORS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
_WORDS = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21211: "The 'To' number is not a valid phone number.",
    21212: "The 'From' number is not a valid phone number.",
    21408: "Permission to send an SMS has not been enabled for the region.",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21606: "The 'From' phone number is not a valid, SMS-capable number of the account.",
    21609: "The 'StatusCallback' URL is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages.",
    21612: "The 'To' phone number is not currently reachable.",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit.",
    21620: "Invalid media URL(s)",
    21623: "Number of media files exceeds allowed limit",
}
FIELDS = {
    *("To", "From", "MessagingServiceSid", "Body", "MediaUrl", "StatusCallback", "ApplicationSid"),
    *("ValidityPeriod", "SmartEncoded", "ShortenUrls", "SendAt", "ScheduleType", "MaxPrice"),
    *("ProvideFeedback", "Attempt", "ContentRetention", "AddressRetention", "RiskCheck"),
    *("SendAsMms", "FallbackFrom", "ContentSid", "ContentVariables", "PersistentAction"),
    "TrafficType",
}


class RefusedError(Exception):
    """The API refuses; carries its number and the HTTP status."""

    def __init__(self, code: int, status: int = 400, words: str = "") -> None:
        super().__init__(str(code))
        self.answer = refusal(code, status, words)


def refusal(code: int, status: int, words: str = "") -> Response:
    """Return a refusal in the vendor's shape."""
    body = {
        "code": code,
        "message": words or _WORDS.get(code, "Internal Server Error"),
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return AsciiJSONResponse(body, status_code=status)


def twilio_app(simulator: TwilioSimulator) -> Starlette:
    """Return the application that speaks the API."""
    api = Api(simulator)
    return Starlette(
        routes=[
            Route(f"{_ACCOUNT}.json", api.account, methods=["GET"]),
            Route(f"{_ACCOUNT}/IncomingPhoneNumbers.json", api.numbers, methods=["GET"]),
            Route(
                f"{_ACCOUNT}/IncomingPhoneNumbers/{{number_sid}}.json",
                api.change_number,
                methods=["POST"],
            ),
            Route(f"{_ACCOUNT}/Messages.json", api.create, methods=["POST"]),
            Route(f"{_ACCOUNT}/Messages.json", api.list_, methods=["GET"]),
            Route(f"{_ACCOUNT}/Messages/{{message_sid}}.json", api.one, methods=["GET"]),
            Route(f"{_ACCOUNT}/Messages/{{message_sid}}/Media.json", api.files, methods=["GET"]),
            Route(
                f"{_ACCOUNT}/Messages/{{message_sid}}/Media/{{media_sid}}",
                api.media,
                methods=["GET"],
            ),
        ],
        exception_handlers={RefusedError: _refuse, HTTPException: _no_such_path},
    )


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return error.answer


async def _no_such_path(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(20404, error.status_code)


class Api:
    """Answers the portal's calls."""

    def __init__(self, simulator: TwilioSimulator) -> None:
        self._simulator = simulator
        self._world = simulator.world

    async def account(self, request: Request) -> Response:
        """Return the account."""
        self._authenticate(request)
        switches = self._world.switches
        body = {"sid": switches.account_sid, "status": switches.status, "type": "Full"}
        return AsciiJSONResponse({**body, "friendly_name": "Simulated account"})

    async def numbers(self, request: Request) -> Response:
        """Return the account's numbers, or the one that is asked for."""
        self._authenticate(request)
        asked = request.query_params.get("PhoneNumber", "")
        switches = self._world.switches
        written = [asked] if asked else [*switches.numbers, *switches.voice_numbers]
        with self._simulator.change():
            found = [one for one in map(self._world.number, written) if one is not None]
        return AsciiJSONResponse({"incoming_phone_numbers": [self._number(one) for one in found]})

    async def change_number(self, request: Request) -> Response:
        """Set where the texts of a number go."""
        self._authenticate(request)
        form = await self._form(request)
        numbers = {one.sid: one for one in self._world.numbers.values()}
        number = numbers.get(request.path_params["number_sid"])
        if number is None:
            raise RefusedError(20404, 404)
        with self._simulator.change():
            number.sms_url = str(form.get("SmsUrl", number.sms_url))
            number.sms_method = str(form.get("SmsMethod", number.sms_method))
        return AsciiJSONResponse(self._number(number))

    async def create(self, request: Request) -> Response:
        """Take a message, and bring it to the phone."""
        self._authenticate(request)
        form = await self._form(request)
        if unknown := set(form) - FIELDS:
            raise RefusedError(20001, 400, f"Unknown parameters: {', '.join(sorted(unknown))}")
        sender, to = self._sender(form), str(form.get("To", ""))
        self._check_recipient(sender, to)
        media = [str(one) for one in form.getlist("MediaUrl")]
        body, callback = str(form.get("Body", "")), str(form.get("StatusCallback", ""))
        _check_content(body, media, callback)
        service = str(form.get("MessagingServiceSid", ""))
        message = self._simulator.take(
            sender=sender, to=to, body=body, media=media, callback=callback, service=service
        )
        return AsciiJSONResponse(self._world.resource(message), status_code=201)

    async def list_(self, request: Request) -> Response:
        """Return the newest messages, narrowed as the query asks."""
        self._authenticate(request)
        query = request.query_params
        size, number = min(int(query.get("PageSize", "50")), MAX_PAGE), int(query.get("Page", "0"))
        start = size * number
        found = [
            self._world.resource(one)
            for one in reversed(self._world.messages.values())
            if query.get("To", one.to) == one.to and query.get("From", one.sender) == one.sender
        ]
        shown = found[start : start + size]
        behind = urlencode({**query, "PageSize": size, "Page": number + 1})
        page = {
            "messages": shown,
            "page": number,
            "page_size": size,
            "start": start,
            "end": start + len(shown) - 1,
            "next_page_uri": f"{request.url.path}?{behind}" if found[start + size :] else None,
        }
        return AsciiJSONResponse(page)

    async def files(self, request: Request) -> Response:
        """List the files of a message."""
        self._authenticate(request)
        sid = request.path_params["message_sid"]
        if sid not in self._world.messages:
            raise RefusedError(20404, 404)
        files = self._world.files(sid)
        page = {"page": 0, "page_size": 50, "start": 0, "end": len(files) - 1}
        return AsciiJSONResponse({"media_list": files, **page, "next_page_uri": None})

    async def one(self, request: Request) -> Response:
        """Return one message."""
        self._authenticate(request)
        found = self._world.messages.get(request.path_params["message_sid"])
        if found is None:
            raise RefusedError(20404, 404)
        return AsciiJSONResponse(self._world.resource(found))

    async def media(self, request: Request) -> Response:
        """Return a file that a phone sent; only to the account."""
        self._authenticate(request)
        found = self._world.media.get(request.path_params["media_sid"])
        if found is None:
            raise RefusedError(20404, 404)
        kind, content = found
        return Response(content, media_type=kind)

    # ---- what the vendor checks ----

    def _authenticate(self, request: Request) -> None:
        switches = self._world.switches
        if switches.is_away:
            raise RefusedError(20500, 503, "Service Unavailable")
        user, password = _basic(request.headers.get("Authorization", ""))
        known = {switches.account_sid: switches.auth_token, **switches.api_keys}
        if known.get(user) != password or not password:
            raise RefusedError(20003, 401)
        if request.path_params["sid"] != switches.account_sid:
            raise RefusedError(20404, 404)

    async def _form(self, request: Request) -> FormData:
        if request.headers.get("Content-Type", "").partition(";")[0] != _FORM:
            raise RefusedError(20001, 415, "Unsupported content type")
        return await request.form()

    def _sender(self, form: FormData) -> str:
        sender = str(form.get("From", ""))
        service = str(form.get("MessagingServiceSid", ""))
        if service and service != self._world.switches.messaging_service_sid:
            raise RefusedError(20404, 404, f"The service {service} was not found")
        if not sender and service:
            sender = self._world.switches.numbers[0]
        if not sender:
            raise RefusedError(21603)
        if sender in FROM_ERRORS:
            raise RefusedError(FROM_ERRORS[sender])
        if not self._world.owns(sender):
            raise RefusedError(21606)
        return sender

    def _check_recipient(self, sender: str, to: str) -> None:
        if to in TO_ERRORS:
            raise RefusedError(TO_ERRORS[to])
        if not _PHONE.fullmatch(to):
            raise RefusedError(21211)
        if (to, sender) in self._world.opted_out:
            raise RefusedError(21610)

    def _number(self, number: Number) -> dict[str, Any]:
        can = self._world.owns(number.number)
        return {
            "sid": number.sid,
            "phone_number": number.number,
            "capabilities": {"voice": True, "sms": can, "mms": can, "fax": False},
            "sms_url": self._world.sms_url(number.number),
            "sms_method": number.sms_method,
        }


def _check_content(body: str, media: list[str], callback: str) -> None:
    checks: list[tuple[int, Callable[[], bool]]] = [
        (21602, lambda: not body and not media),
        (21617, lambda: len(body) > MAX_BODY),
        (21623, lambda: len(media) > MAX_MEDIA),
        (21620, lambda: not all(map(_is_web, media))),
        (21609, lambda: bool(callback) and not _is_web(callback)),
    ]
    for code, is_wrong in checks:
        if is_wrong():
            raise RefusedError(code)


def _is_web(url: str) -> bool:
    parts = urlsplit(url)
    is_host = bool(parts.hostname) and "_" not in (parts.hostname or "")
    return parts.scheme in ("http", "https") and is_host


def _basic(header: str) -> tuple[str, str]:
    scheme, _, pair = header.partition(" ")
    try:
        user, _, password = base64.b64decode(pair, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (user, password) if scheme == "Basic" else ("", "")
