"""The widget in a real browser, opposite a portal of which only the wire exists."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Locator, Page, Route, WebSocketRoute, expect

from conversations.widget.bundle import WIDGET
from integrations.behaviour.languages import language_of, languages

ORIGIN = "http://portal.test"
STATIC = f"{ORIGIN}/static/conversations/"
HEAD = "<!doctype html><html lang=en><title>Shop</title>"
MAIN = "<main><h1>Shop</h1></main>"
PIXEL = (
    b"<svg xmlns='http://www.w3.org/2000/svg' width='160' height='90'>"
    b"<rect width='160' height='90' fill='#7a9'/></svg>"
)
Frame = dict[str, Any]


class Lab:
    """One conversation: what the portal says in it, and what the widgets of all tabs sent."""

    def __init__(
        self,
        browser: Browser,
        *,
        locale: str = "en",
        variant: str = "",
        limits: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.context = browser.new_context(
            timezone_id="Europe/Berlin", reduced_motion="reduce", **options
        )
        self.context.set_default_timeout(5_000)
        self.attributes = f'data-locale="{locale}" data-variant="{variant}" data-auto-open'
        # What the page has of its own before the widget's tag.
        self.markup = ""
        # How the portal says that the widget looks, and what was asked of it.
        self.look: dict[str, Any] = {}
        self.tokens = 0
        # Why the portal opens no session, once.
        self.refused_once = ""
        self.is_offline = False
        self.vouched: list[str] = []
        self.ratings: list[dict[str, Any]] = []
        self.journal: list[Frame] = []
        self.heard: list[Frame] = []
        self.sessions: list[dict[str, Any]] = []
        self._sockets: list[WebSocketRoute] = []
        self._answers: list[Callable[[Frame], None]] = []
        self.context.route(f"{ORIGIN}/**", self._answer)
        self.context.route_web_socket("ws://portal.test/ws**", self._connect)
        self.says("SESSION_START", {"capabilities": {"extensions": ["USER_RETRY_MESSAGE"]}})
        self.says("POLY_AGENT_JOINED", {"agent_name": "Birch"})
        self.says("POLY_AGENT_TRIGGERED_HANDOFF")
        self.says("HANDOFF_ACCEPTED")
        self.uploads: list[bytes] = []
        # With what the portal answers whoever renews a token.
        self.token_status = 200
        # With what the portal answers an upload.
        self.upload_status = 200
        joined: dict[str, Any] = {"agent": {"id": "a1", "name": "Noor"}}
        if limits:
            joined["attachment_limits"] = limits
        self.says("LIVE_AGENT_JOINED", joined)

    def visit(self) -> Page:
        """Open a tab whose widget opens by itself."""
        page = self.context.new_page()
        page.goto(f"{ORIGIN}/")
        return page

    def open(self) -> Page:
        """Open a tab, and return it when the live agent is in the widget."""
        page = self.visit()
        expect(page.get_by_test_id("input")).to_be_visible()
        expect(page.locator("baton-widget[data-state=live]")).to_have_count(1)
        return page

    def says(self, kind: str, payload: Any = None, **custom: str) -> Frame:
        """Journal an event and send it to every tab."""
        frame = _frame(kind, payload, custom)
        frame |= {"sequence": len(self.journal) + 1, "id": f"e{len(self.journal) + 1}"}
        self.journal.append(frame)
        self._send(frame)
        return frame

    def tells(self, kind: str, payload: Any = None, **custom: str) -> None:
        """Send what is not journaled."""
        self._send(_frame(kind, payload, custom))

    def offers(self, message_id: str = "m1", **content: Any) -> Frame:
        """Have the live agent send a message with rich content."""
        by = content.pop("by", "live_agent")
        name = "Pico" if by == "vendor_bot" else "Noor"
        text = content.get("text", "Please choose.")
        return self.says(
            "LIVE_AGENT_MESSAGE",
            {
                "message_id": message_id,
                "agent_id": "a1" if by == "live_agent" else "bot",
                "agent_name": name,
                "by": by,
                "text": text,
                "content": {"markup": "plain", **content, "text": text},
            },
        )

    def echoes(self) -> None:
        """Take every message of the end user from now on, and echo it as the portal does."""
        self._answers[:] = [self._echo]

    def refuses(self, code: str, message: str = "No.") -> None:
        """Refuse every message of the end user from now on."""

        def refuse(frame: Frame) -> None:
            payload = {"level": "SYSTEM_MESSAGE_LEVEL_ERROR", "code": code, "message": message}
            self.tells("SYSTEM_MESSAGE", payload, **frame["metadata"]["custom"])

        self._answers[:] = [refuse]

    def sent(self, kind: str) -> list[Frame]:
        """Return what the widgets sent of one kind."""
        return [frame for frame in self.heard if frame["type"] == f"EVENT_TYPE_{kind}"]

    def falls_silent(self) -> None:
        """Say and hear nothing more on the sockets that are open, without closing them."""
        self._sockets.clear()

    def loses_the_network(self) -> None:
        """Refuse every connection until the network is back."""
        self.is_offline = True
        self.context.set_offline(True)
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()

    def _echo(self, frame: Frame) -> None:
        if frame["type"] != "EVENT_TYPE_USER_MESSAGE":
            return
        number = len(self.journal) + 1
        answer = frame["payload"].get("answer")
        payload = {"text": frame["payload"]["text"], "message_id": f"u{number}"}
        if answer:
            payload["answer"] = {key: answer[key] for key in ("message_id", "payload")}
        self.says("USER_MESSAGE", payload, **frame["metadata"]["custom"])

    def _send(self, frame: Frame) -> None:
        for socket in self._sockets:
            socket.send(json.dumps(frame))

    def finds_the_network(self) -> None:
        """Take connections again."""
        self.is_offline = False
        self.context.set_offline(False)

    def _connect(self, socket: WebSocketRoute) -> None:
        if self.is_offline:  # what is routed knows nothing of it
            socket.close()
            return
        cursor = int(socket.url.rsplit("cursor=", 1)[1])
        missed = [frame for frame in self.journal if frame["sequence"] > cursor]
        socket.send(json.dumps(_frame("EVENT_BATCH", {"events": missed}, {})))
        self._sockets.append(socket)
        socket.on_message(self._hear)
        socket.on_close(lambda *_: self._forget(socket))

    def _forget(self, socket: WebSocketRoute) -> None:
        if socket in self._sockets:
            self._sockets.remove(socket)

    def _hear(self, message: str | bytes) -> None:
        frame: Frame = json.loads(message)
        self.heard.append(frame)
        if frame.get("metadata"):
            for answer in self._answers:
                answer(frame)

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN).split("?")[0]
        if path in ("/", "/framed"):
            attributes = f'src="{STATIC}widget.js" data-key="wk_lab" {self.attributes} async'
            markup = self.markup if path == "/" else ""
            body = f"{HEAD}{markup}{MAIN}<script {attributes}></script>"
            route.fulfill(content_type="text/html", body=body)
        elif path == "/api/v1/widget":
            [locale] = parse_qs(urlsplit(route.request.url).query)["locale"]
            route.fulfill(json={"widget": spoken(language_of(locale), self.look)})
        elif path == "/api/v1/access-token":
            self.tokens += 1
            is_renewal = "authorization" in route.request.headers
            body = {"access_token": "t", "expires_in": 900, "error_code": "UNAUTHORIZED"}
            route.fulfill(status=self.token_status if is_renewal else 200, json=body)
        elif path == "/api/v1/sessions":
            self.sessions.append(route.request.post_data_json)
            refused = {"error_code": "INVALID_REQUEST", "error_message": self.refused_once}
            status, self.refused_once = (400 if self.refused_once else 200), ""
            route.fulfill(status=status, json={"session_id": "s1"} if status == 200 else refused)
        elif path == "/api/v1/sessions/s1/context":
            self.vouched.append(route.request.post_data_json["token"])
            route.fulfill(json={"status": "verified"})
        elif path == "/api/v1/sessions/s1/survey":
            self.ratings.append(route.request.post_data_json)
            route.fulfill(json={})
        elif path == "/api/v1/sessions/s1/files":
            self.uploads.append(route.request.post_data_buffer or b"")
            number = len(self.uploads)
            body = {"file_id": f"f{number}", "file_name": "x", "mime_type": "image/png"}
            route.fulfill(status=self.upload_status, json=body | {"size_bytes": 1})
        elif path.startswith("/files/"):
            route.fulfill(content_type="image/svg+xml", body=PIXEL)
        elif path.startswith("/static/conversations/"):
            name = path.removeprefix("/static/conversations/")
            kind = mimetypes.guess_type(name)[0] or "text/plain"
            route.fulfill(path=WIDGET.parent / name, content_type=kind)
        else:
            route.fulfill(status=404, body="")


def spoken(code: str, look: dict[str, Any]) -> dict[str, Any]:
    """Return what the portal says of a look in a language, in which it may word something anew."""
    one = languages()[code]
    words = {**one.widget, **look.get("words", {})}
    return {"language": code, "direction": one.direction, **look, "words": words}


def _frame(kind: str, payload: Any, custom: dict[str, str]) -> Frame:
    frame: Frame = {"type": f"EVENT_TYPE_{kind}", "payload": payload or {}, "sequence": None}
    frame["timestamp"] = datetime.now(UTC).isoformat()
    if custom:
        frame["metadata"] = {"custom": custom}
    return frame


def reply(number: int, label: str, **more: Any) -> dict[str, Any]:
    """Return a choice that answers."""
    return {"payload": f"c{number}", "label": label, "kind": "reply", **more}


def message(page: Page, text: str) -> Locator:
    """Return the line of the log that holds a text."""
    return page.get_by_test_id("message").filter(has_text=text)
