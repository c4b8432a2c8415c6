"""An account, its messages, and the phones beside it; written from the vendor's page alone."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from email.utils import formatdate
from typing import Any, ClassVar
from urllib.parse import urlsplit

from integrations.simulators.desk import DeskError
from integrations.simulators.records import record_of
from integrations.simulators.switches import Switches

VERSION = "2010-04-01"
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")
STOP = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
START = frozenset({"START", "YES", "UNSTOP"})
HELP = frozenset({"HELP", "INFO"})
STOPPED = (
    "You have successfully been unsubscribed. You will not receive any more messages from this "
    "number. Reply START to resubscribe."
)
STARTED = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe."
)
HELPED = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."


def new_sid(prefix: str) -> str:
    """Return an id in the vendor's form."""
    return prefix + uuid.uuid4().hex


def segments_of(text: str) -> int:
    """Count segments as the vendor's calculator does."""
    if set(text) <= _BASIC | _EXTENDED:
        size, whole, part = sum(1 + (c in _EXTENDED) for c in text), 160, 153
    else:
        size, whole, part = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if size <= whole else -(-size // part)


@dataclass
class TwilioSwitches(Switches):
    """What the account is, and how its network behaves."""

    account_sid: str = "AC" + "0123456789abcdef" * 2
    auth_token: str = "simulated-auth-token-0123456789ab"  # noqa: S105 - of a pretend account
    api_keys: dict[str, str] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=lambda: ["+15550100199"])
    # Numbers of the account that cannot do SMS.
    voice_numbers: list[str] = field(default_factory=list)
    messaging_service_sid: str = ""
    status: str = "active"
    # Where the account's webhooks for all numbers go: SmsUrl, with connection overrides behind #.
    sms_url: str = ""
    # Signs in place of the auth token, where it is set.
    shared_key: str = ""
    advanced_opt_out: bool = False
    # What the carrier says of a text at last, with its error code; empty says nothing.
    delivery: str = "delivered"
    delivery_code: str = ""
    report_ms: float = 20.0
    signs_with_port: bool = False
    bad_signature: bool = False
    # Nothing goes in or out: the API answers 503, and phones' texts wait.
    is_away: bool = False
    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "status": ("active", "suspended", "closed"),
        "delivery": ("delivered", "undelivered", "failed", "sent", ""),
    }


@dataclass
class Message:
    """One message resource."""

    sid: str
    sender: str
    to: str
    body: str
    status: str
    direction: str
    messaging_service_sid: str = ""
    media: list[str] = field(default_factory=list)
    error_code: str = ""
    status_callback: str = ""
    created_at: float = field(default_factory=time.time)
    sent_at: float | None = None

    @property
    def is_inbound(self) -> bool:
        """Say whether a phone sent it."""
        return self.direction == "inbound"


@dataclass
class Number:
    """One phone number of the account."""

    sid: str
    number: str
    sms_url: str = ""
    sms_method: str = "POST"


class TwilioWorld:
    """The state; its caller holds the simulator's lock."""

    def __init__(self) -> None:
        self.base_url = ""
        self.switches = TwilioSwitches()
        self.messages: dict[str, Message] = {}
        self.numbers: dict[str, Number] = {}
        self.media: dict[str, tuple[str, bytes]] = {}
        # Who wants no texts: phone and number of ours.
        self.opted_out: set[tuple[str, str]] = set()

    def owns(self, number: str) -> bool:
        """Say whether the account may send from a number."""
        return number in self.switches.numbers

    def number(self, written: str) -> Number | None:
        """Return a number of the account, with where its texts go."""
        known = (*self.switches.numbers, *self.switches.voice_numbers)
        if written not in known:
            return None
        return self.numbers.setdefault(written, Number(sid=new_sid("PN"), number=written))

    def sms_url(self, number: str) -> str:
        """Return where a text to a number goes: the number's own setting, else the account's."""
        found = self.number(number)
        return (found.sms_url if found else "") or self.switches.sms_url

    def add(self, **values: Any) -> Message:
        """Keep a message."""
        prefix = "MM" if values.get("media") else "SM"
        made = Message(**{"sid": new_sid(prefix), **values})
        self.messages[made.sid] = made
        return made

    def files(self, sid: str) -> list[dict[str, Any]]:
        """Return the files of a message that a phone sent, as the API lists them."""
        addresses = [urlsplit(url).path for url in self.messages[sid].media]
        names = [(path, path.rpartition("/")[2]) for path in addresses]
        return [
            {
                "sid": name,
                "account_sid": self.switches.account_sid,
                "parent_sid": sid,
                "content_type": self.media[name][0],
                "date_created": _moment(self.messages[sid].created_at),
                "date_updated": _moment(self.messages[sid].created_at),
                "uri": f"{path}.json",
            }
            for path, name in names
            if name in self.media
        ]

    def text_from_network(self, phone: str, ours: str, text: str) -> None:
        """Let the vendor itself answer a keyword."""
        self.add(sender=ours, to=phone, body=text, status="delivered", direction="outbound-reply")

    def keyword(self, phone: str, ours: str, text: str) -> str:
        """Do what a keyword asks for, as the vendor does; return its OptOutType, or nothing."""
        word, pair = text.strip().upper(), (phone, ours)
        if word in STOP:
            self.opted_out.add(pair)
            self.text_from_network(phone, ours, STOPPED)
            return "STOP"
        if word in START and (word != "YES" or pair in self.opted_out):
            was_out = pair in self.opted_out
            self.opted_out.discard(pair)
            if was_out:
                self.text_from_network(phone, ours, STARTED)
            return "START"
        if word in HELP:
            self.text_from_network(phone, ours, HELPED)
            return "HELP"
        return ""

    def phone(self, number: str) -> list[dict[str, Any]]:
        """Return what stands on a phone, oldest first: what never arrived does not."""
        return [
            {
                "sid": one.sid,
                "from": "phone" if one.is_inbound else one.sender,
                "to": one.to,
                "text": one.body,
                "media": one.media,
                "status": one.status,
                "segments": segments_of(one.body),
                "at": one.created_at,
            }
            for one in self.messages.values()
            if _is_on(one, number)
        ]

    def phones(self) -> Iterator[str]:
        """Yield the phones that have texts, each once."""
        found = [one.sender if one.is_inbound else one.to for one in self.messages.values()]
        yield from dict.fromkeys(found)

    def resource(self, message: Message) -> dict[str, Any]:
        """Return a message as the API shows it."""
        service = message.messaging_service_sid
        code = int(message.error_code) if message.error_code else None
        path = f"/{VERSION}/Accounts/{self.switches.account_sid}/Messages/{message.sid}"
        return {
            "sid": message.sid,
            "account_sid": self.switches.account_sid,
            "messaging_service_sid": service or None,
            "to": message.to,
            "from": message.sender if not service or message.sent_at else None,
            "body": message.body,
            "status": message.status,
            "direction": message.direction,
            "num_segments": "0" if service else str(segments_of(message.body)),
            "num_media": str(len(message.media)),
            "error_code": code,
            "error_message": None,
            "price": None,
            "price_unit": "USD",
            "api_version": VERSION,
            "date_created": _moment(message.created_at),
            "date_updated": _moment(message.created_at),
            "date_sent": _moment(message.sent_at) if message.sent_at else None,
            "uri": f"{path}.json",
            "subresource_uris": {"media": f"{path}/Media.json"},
        }

    def as_dict(self) -> dict[str, Any]:
        """Return everything a restart must keep."""
        return {
            "switches": self.switches.as_json(),
            "messages": [asdict(one) for one in self.messages.values()],
            "numbers": [asdict(one) for one in self.numbers.values()],
            "opted_out": sorted(self.opted_out),
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `as_dict` returned."""
        self.switches.restore(kept.get("switches", {}))
        self.messages = {one["sid"]: record_of(Message, one) for one in kept.get("messages", [])}
        self.numbers = {one["number"]: record_of(Number, one) for one in kept.get("numbers", [])}
        self.opted_out = {(phone, ours) for phone, ours in kept.get("opted_out", [])}

    def forget(self) -> None:
        """Forget messages and who opted out; the account stays as it is configured."""
        self.messages.clear()
        self.media.clear()
        self.opted_out.clear()
        self.switches.is_away = self.switches.bad_signature = self.switches.signs_with_port = False
        self.switches.delivery, self.switches.delivery_code = "delivered", ""

    def ours(self, to: str) -> str:
        """Return the number a phone texts to; the account's first where it names none."""
        number = to or (self.switches.numbers or [""])[0]
        if not self.owns(number):
            raise DeskError(404, f"The account has no number {number!r} that can do SMS.")
        return number


def _moment(seconds: float) -> str:
    return formatdate(seconds).replace("-0000", "+0000")


def _is_on(message: Message, phone: str) -> bool:
    if message.is_inbound:
        return message.sender == phone
    return message.to == phone and message.status in ("sent", "delivered")
