"""The desk of a simulator: the calls with which a person or a test plays the live agent."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from integrations.simulators.answers import AsciiJSONResponse
from integrations.simulators.traffic import Hold, PlannedFailure

if TYPE_CHECKING:
    from integrations.simulators.simulator import Simulator

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "simulator"
STATIC_TYPES = {
    **dict.fromkeys(("desk.css", "phone.css"), "text/css"),
    **dict.fromkeys(("desk.js", "phone.js"), "text/javascript"),
}
# The kinds of rich content that the desk's call knows by name; a vendor may have more.
RICH_KINDS = ("choices", "cards", "slots", "form", "markdown", "image")
DEFAULT_AGENT_NAME = "Noor Halvorsen"


class DeskError(Exception):
    """The desk refuses an action; carries the HTTP status to answer with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskWords:
    """The vendor's own words on the desk page."""

    title: str
    inbox: str
    accept: str
    end: str
    attributes: str
    session: str


Fields = Mapping[str, Any]


def desk_mount(simulator: Simulator) -> Mount:
    """Return everything under /_desk for one simulator."""
    # What is special about it stands before what all have.
    return Mount("/_desk", routes=[*simulator.desk_routes(), *_routes(Desk(simulator))])


def _routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/", desk.page),
        Route("/static/{name}", desk.static),
        Route("/conversations", desk.conversations),
        Route("/rich", desk.rich_kinds),
        Route("/conversations/{conversation_id}/{action}", desk.act, methods=["POST"]),
        Route("/faults", desk.fault, methods=["POST"]),
        Route("/config", desk.configure, methods=["POST"]),
        Route("/config", desk.configuration, methods=["GET"]),
        Route("/requests", desk.requests),
        Route("/webhooks", desk.webhooks),
        Route("/files/{file_id}", desk.file),
        Route("/reset", desk.reset, methods=["POST"]),
    ]


class Desk:
    """Answers the desk's HTTP calls by calling the simulator's methods."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def page(self, request: Request) -> Response:
        """Answer with the page on which a person plays the live agent."""
        page = Template((TEMPLATES / "desk.html").read_text(encoding="utf-8"))
        return HTMLResponse(
            page.substitute(asdict(self._simulator.words)),
            headers={"Content-Security-Policy": "default-src 'self'; img-src 'self' data:"},
        )

    async def static(self, request: Request) -> Response:
        """Answer with the page's script or style."""
        name = request.path_params["name"]
        if name not in STATIC_TYPES:
            return AsciiJSONResponse({"message": "There is no such file."}, status_code=404)
        return FileResponse(
            TEMPLATES / name, media_type=STATIC_TYPES[name], headers={"Cache-Control": "no-cache"}
        )

    async def conversations(self, request: Request) -> Response:
        """List all conversations the vendor holds."""
        rows = self._simulator.desk_conversations()
        if self._simulator.hides_values:
            rows = [{**row, "attributes": {}} for row in rows]
        return AsciiJSONResponse(rows)

    async def rich_kinds(self, request: Request) -> Response:
        """List the kinds of rich content that this vendor can send, in the order of the buttons."""
        return AsciiJSONResponse(list(self._simulator.rich_messages))

    async def requests(self, request: Request) -> Response:
        """List the vendor-side requests received."""
        return AsciiJSONResponse([kept.as_dict() for kept in self._simulator.requests.all()])

    async def webhooks(self, request: Request) -> Response:
        """List the webhooks sent, with every attempt to deliver them."""
        return AsciiJSONResponse(self._simulator.sent_webhooks())

    async def file(self, request: Request) -> Response:
        """Answer with a file of a conversation, for the desk page."""
        return _answered(lambda: self._simulator.desk_file(request.path_params["file_id"]))

    async def act(self, request: Request) -> Response:
        """Do one thing a live agent can do."""
        fields = await desk_fields(request)
        action = request.path_params["action"]
        conversation_id = request.path_params["conversation_id"]
        return _answered(lambda: self._do(action, conversation_id, fields))

    async def fault(self, request: Request) -> Response:
        """Plan or cause one fault."""
        fields = dict(await desk_fields(request))
        return _answered(lambda: self._cause(str(fields.pop("kind", "")), fields))

    async def configure(self, request: Request) -> Response:
        """Change the simulator's switches."""
        fields = await desk_fields(request)
        return _answered(lambda: self._simulator.configure(**fields))

    async def configuration(self, request: Request) -> Response:
        """Tell the simulator's switches."""
        return AsciiJSONResponse(self._simulator.configuration())

    async def reset(self, request: Request) -> Response:
        """Forget everything."""
        self._simulator.reset()
        return AsciiJSONResponse({"ok": True})

    def _do(self, action: str, conversation_id: str, fields: Fields) -> None:
        known = {**_ACTIONS, **self._simulator.vendor_actions}
        if action not in known:
            raise DeskError(404, f"There is no action {action!r}; known: {', '.join(known)}.")
        known[action](self._simulator, conversation_id, fields)

    def _cause(self, kind: str, fields: dict[str, Any]) -> None:
        known = {**_FAULTS, **self._simulator.vendor_faults}
        if kind not in known:
            raise DeskError(400, f"There is no fault {kind!r}; known: {', '.join(known)}.")
        known[kind](self._simulator, fields)


async def desk_fields(request: Request) -> Fields:
    """Return the fields of a desk call; raises DeskError for a body that is no JSON object."""
    body = await request.body()
    try:
        fields = json.loads(body or b"{}")
        # Half a surrogate is no text: nothing could be answered that holds it.
        json.dumps(fields, ensure_ascii=False).encode()
    except ValueError as error:
        raise DeskError(400, "The body is not JSON.") from error
    if not isinstance(fields, dict):
        raise DeskError(400, "The body must be a JSON object.")
    return fields


def _answered(action: Callable[[], Response | None]) -> Response:
    try:
        return action() or AsciiJSONResponse({"ok": True})
    except DeskError as error:
        return AsciiJSONResponse({"message": error.message}, status_code=error.status)
    except (TypeError, ValueError, KeyError) as error:
        return AsciiJSONResponse({"message": f"Wrong fields: {error}"}, status_code=400)


async def answer_desk_error(request: Request, error: Exception) -> Response:
    """Turn a refusal raised while reading the request into an answer."""
    assert isinstance(error, DeskError)
    return AsciiJSONResponse({"message": error.message}, status_code=error.status)


def field_text(fields: Fields, name: str) -> str:
    """Return a text that a call must name; raises DeskError without one."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise DeskError(400, f"{name} must be a text.")
    return value


def _name(fields: Fields) -> str | None:
    return field_text(fields, "agent_name") if fields.get("agent_name") is not None else None


def _send_file(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    try:
        content = base64.b64decode(field_text(fields, "content_base64"), validate=True)
    except binascii.Error as error:
        raise DeskError(400, "content_base64 is not base64.") from error
    simulator.live_agent_sends_file(
        conversation_id,
        name=field_text(fields, "name"),
        mime_type=fields.get("mime_type") or "application/octet-stream",
        content=content,
        agent_name=_name(fields),
    )


def _transfer(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    if (fields.get("queue") is None) == (fields.get("agent_name") is None):
        raise DeskError(400, "Name either a queue or an agent_name.")
    simulator.live_agent_transfers(
        conversation_id, queue=fields.get("queue"), agent_name=_name(fields)
    )


def _send_rich(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    """Send content of a kind, by whoever sends it at that vendor."""
    kind, senders = field_text(fields, "kind"), simulator.rich_messages
    if kind not in senders:
        is_known = kind in RICH_KINDS
        text = f"This vendor's page lists no {kind}" if is_known else f"There is no kind {kind!r}"
        raise DeskError(404 if is_known else 400, f"{text}; it has: {', '.join(senders)}.")
    senders[kind](simulator, conversation_id, fields)


Action = Callable[["Simulator", str, Fields], None]
Fault = Callable[["Simulator", dict[str, Any]], None]

_ACTIONS: dict[str, Action] = {
    "accept": lambda s, c, f: s.live_agent_joins(c, agent_name=_name(f) or DEFAULT_AGENT_NAME),
    "say": lambda s, c, f: s.live_agent_says(c, text=field_text(f, "text"), agent_name=_name(f)),
    "type": lambda s, c, f: s.live_agent_types(
        c, is_typing=bool(f.get("is_typing", True)), agent_name=_name(f)
    ),
    "file": _send_file,
    "rich": _send_rich,
    "read": lambda s, c, f: s.live_agent_reads(c),
    "transfer": _transfer,
    "leave": lambda s, c, f: s.live_agent_leaves(c, agent_name=_name(f)),
    "end": lambda s, c, f: s.live_agent_ends(c),
}

_FAULTS: dict[str, Fault] = {
    "fail_next": lambda s, f: s.faults.add(PlannedFailure(**f)),
    "drop_streams": lambda s, f: s.drop_streams(**f),
    "stall_streams": lambda s, f: s.stall_streams(**f),
    "expire_tokens": lambda s, f: s.expire_tokens(**f),
    "duplicate_next": lambda s, f: s.duplicate_next(**f),
    "swap_next_two": lambda s, f: s.swap_next_two(**f),
    "latency": lambda s, f: s.set_latency(**f),
    # Stops requests with a text in their body, until `release`.
    "hold": lambda s, f: s.faults.hold(Hold(**f)),
    "release": lambda s, f: s.faults.release(**f),
    # Takes back planned failures and latency, before their count has run out.
    "clear": lambda s, f: s.faults.clear(**f),
    # What a flow or a page at the vendor does that shows live agents none of the values.
    "hide_values": lambda s, f: s.hide_values(**f),
    # The page names the type of its one field, not the field: take the boolean, whatever its name.
    "agents_offline": lambda s, f: s.set_agents_offline(
        is_offline=next((value for value in f.values() if isinstance(value, bool)), True)
    ),
}
