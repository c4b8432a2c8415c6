"""A pretend Twilio: an account that sends and takes texts, with phones beside it to play."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn, cast

from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from integrations.simulators.desk import DeskError, DeskWords, Fault
from integrations.simulators.simulator import Simulator
from integrations.simulators.traffic import PlannedFailure
from integrations.vendors.twilio_sms.simulator.app import refusal, twilio_app
from integrations.vendors.twilio_sms.simulator.calls import Call, Calls
from integrations.vendors.twilio_sms.simulator.phones import phone_routes
from integrations.vendors.twilio_sms.simulator.world import (
    VERSION,
    Message,
    TwilioWorld,
    new_sid,
    segments_of,
)

_PLACES = ("City", "State", "Zip", "Country")
# One call in so many has a parameter that nobody knows yet.
_SURPRISE = 5
_CODES = {401: 20003, 404: 20404, 429: 20429}


def _calls(simulator: Simulator) -> Calls:
    return cast("TwilioSimulator", simulator).calls


def _delay(simulator: Simulator, fields: dict[str, Any]) -> None:
    _calls(simulator).delay_seconds = float(fields["ms"]) / 1000


def _away(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Let the carrier be away for some seconds, or until it is told otherwise."""
    simulator.configure(is_away=bool(fields.get("is_away", True)))
    if seconds := fields.get("seconds"):
        timer = threading.Timer(float(seconds), simulator.configure, kwargs={"is_away": False})
        timer.daemon = True
        timer.start()


class TwilioSimulator(Simulator):
    """One account; keyword arguments are switches, as in `POST /_desk/config`."""

    key: ClassVar[str] = "twilio_sms"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated Twilio (demo)",
        inbox="Phones",
        accept="",
        end="",
        attributes="",
        session="",
    )
    vendor_faults: ClassVar[Mapping[str, Fault]] = {
        "duplicate_call": lambda s, f: _calls(s).duplicate_next(f.get("label")),
        "swap_calls": lambda s, f: _calls(s).swap_next_two(f.get("label")),
        "lose_calls": lambda s, f: _calls(s).lose_next(int(f.get("count", 1))),
        "delay_calls": _delay,
        "carrier_down": _away,
    }

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        super().__init__(state_file=state_file)
        self.world = TwilioWorld()
        self.world.switches.change(**switches)
        self.calls = Calls(self.world.switches, self._answered)
        self.load_state()

    # ---- the account ----

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the API."""
        return twilio_app(self)

    def desk_routes(self) -> list[BaseRoute]:
        """Return phones in place of a live agent's desk."""
        return phone_routes(self)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure in the vendor's shape."""
        code = int(failure.error_code or _CODES.get(failure.status, 20500))
        answer = refusal(code, failure.status)
        if failure.retry_after is not None:
            answer.headers["Retry-After"] = str(failure.retry_after)
        return answer

    def take(
        self, *, sender: str, to: str, body: str, media: list[str], callback: str, service: str
    ) -> Message:
        """Take a message of the portal's, and bring it to the phone a little later."""
        with self.change():
            message = self.world.add(
                sender=sender,
                to=to,
                body=body,
                media=media,
                status="accepted" if service else "queued",
                direction="outbound-api",
                messaging_service_sid=service,
                status_callback=callback,
            )
        self._later(lambda: self._bring(message))
        return message

    def _bring(self, message: Message) -> None:
        """Send, then let the network say what became of it."""
        switches = self.world.switches
        if switches.delivery == "failed":
            self._report(message, "failed", switches.delivery_code)
            return
        if message.messaging_service_sid:
            self._report(message, "queued", "")
        self._report(message, "sent", "")
        if switches.delivery in ("delivered", "undelivered"):
            self._later(lambda: self._report(message, switches.delivery, switches.delivery_code))

    def _report(self, message: Message, status: str, code: str) -> None:
        with self.change():
            message.status = status
            message.sent_at = message.sent_at or message.created_at
            message.error_code = code if status in ("failed", "undelivered") else ""
        if not message.status_callback:
            return
        form = {
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageStatus": status,
            "SmsStatus": status,
            "AccountSid": self.world.switches.account_sid,
            "From": message.sender,
            "To": message.to,
            "ApiVersion": VERSION,
        }
        if message.messaging_service_sid:
            form["MessagingServiceSid"] = message.messaging_service_sid
        if message.error_code:
            form["ErrorCode"] = message.error_code
        lane = f"status:{message.to}"
        self.calls.post(Call(url=message.status_callback, form=form, lane=lane, label="status"))

    def _later(self, work: Any) -> None:
        """Do something after a moment, as a network does."""
        timer = threading.Timer(self.world.switches.report_ms / 1000, work)
        timer.daemon = True
        timer.start()

    # ---- phones ----

    def phone_sends(
        self, phone: str, text: str, *, to: str = "", media: Sequence[tuple[str, bytes]] = ()
    ) -> str:
        """Send a text from a phone; a keyword has its effect first, as at the vendor."""
        with self.change():
            ours = self.world.ours(to)
            keyword = self.world.keyword(phone, ours, text)
            sid = new_sid("MM" if media else "SM")
            urls = [self._keep(sid, kind, content) for kind, content in media]
            message = self.world.add(
                sid=sid,
                sender=phone,
                to=ours,
                body=text,
                media=urls,
                status="received",
                direction="inbound",
            )
        if url := self.world.sms_url(ours):
            form = self._inbound(message, keyword, [kind for kind, _ in media])
            self.calls.post(Call(url=url, form=form, lane=phone, label="inbound"))
        return message.sid

    def _keep(self, message_sid: str, kind: str, content: bytes) -> str:
        sid, account = new_sid("ME"), self.world.switches.account_sid
        self.world.media[sid] = (kind, content)
        path = f"/{VERSION}/Accounts/{account}/Messages/{message_sid}/Media/{sid}"
        return self.base_url + path

    def _inbound(self, message: Message, keyword: str, kinds: list[str]) -> dict[str, str]:
        switches = self.world.switches
        form = {
            "ToCountry": "US",
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsMessageSid": message.sid,
            "AccountSid": switches.account_sid,
            "From": message.sender,
            "To": message.to,
            "Body": message.body,
            "NumMedia": str(len(kinds)),
            "NumSegments": str(segments_of(message.body)),
            "SmsStatus": "received",
            "ApiVersion": VERSION,
            **{f"{side}{place}": "" for side in ("From", "To") for place in _PLACES},
        }
        for number, (url, kind) in enumerate(zip(message.media, kinds, strict=True)):
            form[f"MediaUrl{number}"], form[f"MediaContentType{number}"] = url, kind
        if switches.messaging_service_sid:
            form["MessagingServiceSid"] = switches.messaging_service_sid
        if switches.advanced_opt_out and keyword:
            form["OptOutType"] = keyword
        if random.randrange(_SURPRISE) == 0:  # noqa: S311 - no secret
            form["FutureParam"] = "1"
        return form

    def _answered(self, call: Call, text: str) -> None:
        """Text back what the portal answered, as the vendor does with every stray word."""
        if call.label == "inbound":
            with self.change():
                self.world.text_from_network(call.form["From"], call.form["To"], text)

    # ---- the desk's own calls ----

    def configure(self, **switches: Any) -> None:
        """Change switches."""
        with self.change():
            self.world.switches.change(**switches)
            if "sms_url" in switches:  # of all numbers, whatever stood there
                for number in self.world.numbers.values():
                    number.sms_url = ""

    def configuration(self) -> dict[str, Any]:
        """Return the switches as they stand."""
        return self.world.switches.as_json()

    def sent_webhooks(self) -> list[dict[str, Any]]:
        """Return what was called, with every attempt."""
        return self.calls.deliveries()

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return nothing: a carrier has texts, and no conversations."""
        return []

    def desk_file(self, file_id: str) -> Response:
        """Return a file that a phone sent."""
        found = self.world.media.get(file_id)
        if found is None:
            raise DeskError(404, "There is no such file.")
        return Response(found[1], media_type=found[0])

    def duplicate_next(self) -> None:
        """Make the next call twice."""
        self.calls.duplicate_next()

    def swap_next_two(self) -> None:
        """Make the next two calls of a phone in the wrong order."""
        self.calls.swap_next_two()

    # ---- keeping ----

    def state_as_dict(self) -> dict[str, Any]:
        """Return everything a restart must keep."""
        return self.world.as_dict()

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_as_dict` returned."""
        self.world.restore(state)

    def forget(self) -> None:
        """Forget texts and phones."""
        self.calls.forget()
        self.world.forget()

    def close_streams(self) -> None:
        """Stop calling."""
        self.calls.close()

    # ---- no live agent is here ----

    def live_agent_joins(self, conversation_id: str, *, agent_name: str) -> None:
        """Refuse."""
        _nobody()

    def live_agent_says(
        self, conversation_id: str, *, text: str, agent_name: str | None = None
    ) -> None:
        """Refuse."""
        _nobody()

    def live_agent_types(
        self, conversation_id: str, *, is_typing: bool, agent_name: str | None = None
    ) -> None:
        """Refuse."""
        _nobody()

    def live_agent_sends_file(self, conversation_id: str, **file: Any) -> None:
        """Refuse."""
        _nobody()

    def live_agent_reads(self, conversation_id: str) -> None:
        """Refuse."""
        _nobody()

    def live_agent_transfers(
        self, conversation_id: str, *, queue: str | None = None, agent_name: str | None = None
    ) -> None:
        """Refuse."""
        _nobody()

    def live_agent_leaves(self, conversation_id: str, *, agent_name: str | None = None) -> None:
        """Refuse."""
        _nobody()

    def live_agent_ends(self, conversation_id: str) -> None:
        """Refuse."""
        _nobody()

    def drop_streams(self) -> None:
        """Have none."""

    def stall_streams(self, *, seconds: float) -> None:
        """Have none."""

    def expire_tokens(self) -> None:
        """Have none."""

    def set_agents_offline(self, *, is_offline: bool) -> None:
        """Refuse."""
        _nobody()


def _nobody() -> NoReturn:
    raise DeskError(404, "A carrier has phones, and no live agents.")
