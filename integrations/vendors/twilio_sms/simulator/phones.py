"""Phones drawn as a page: what a person, or a test, does on the other side of the carrier."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from integrations.simulators.answers import AsciiJSONResponse
from integrations.simulators.desk import TEMPLATES, DeskError, desk_fields

if TYPE_CHECKING:
    from integrations.vendors.twilio_sms.simulator.simulator import TwilioSimulator


def phone_routes(simulator: TwilioSimulator) -> list[BaseRoute]:
    """Return the page and the calls of phones."""
    phones = Phones(simulator)
    return [
        Route("/", phones.page),
        Route("/phones", phones.all),
        Route("/phones/{number}", phones.one),
        Route("/phones/{number}/send", phones.send, methods=["POST"]),
    ]


class Phones:
    """Answers the phones' calls."""

    def __init__(self, simulator: TwilioSimulator) -> None:
        self._simulator = simulator

    async def page(self, request: Request) -> Response:
        """Answer with the page of a phone."""
        page = (TEMPLATES / "phone.html").read_text(encoding="utf-8")
        policy = "default-src 'self'; img-src 'self' data: http: https:"
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})

    async def all(self, request: Request) -> Response:
        """List the phones that have texts, and the numbers that can be texted to."""
        world = self._simulator.world
        with self._simulator.lock:
            body = {"phones": list(world.phones()), "numbers": world.switches.numbers}
        return AsciiJSONResponse(body)

    async def one(self, request: Request) -> Response:
        """Tell what stands on a phone."""
        number = request.path_params["number"]
        with self._simulator.lock:
            messages = self._simulator.world.phone(number)
        return AsciiJSONResponse({"number": number, "messages": messages})

    async def send(self, request: Request) -> Response:
        """Send a text from a phone, with files where there are any."""
        fields = await desk_fields(request)
        text, to = fields.get("text", ""), fields.get("to", "")
        if not isinstance(text, str) or not isinstance(to, str):
            raise DeskError(400, "text and to are texts.")
        files = [_file(one) for one in fields.get("media", [])]
        if not text and not files:
            raise DeskError(400, "A text has words or files.")
        sid = self._simulator.phone_sends(request.path_params["number"], text, to=to, media=files)
        return AsciiJSONResponse({"ok": True, "sid": sid})


def _file(given: object) -> tuple[str, bytes]:
    if not isinstance(given, dict):
        raise DeskError(400, "Each of media has mime_type and content_base64.")
    try:
        content = base64.b64decode(str(given.get("content_base64", "")), validate=True)
    except binascii.Error as error:
        raise DeskError(400, "content_base64 is not base64.") from error
    return str(given.get("mime_type", "image/jpeg")), content
