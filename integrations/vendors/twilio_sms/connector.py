"""Twilio as a carrier: signed calls in, texts out through the REST API."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar
from urllib.parse import parse_qsl

from integrations.contract.carrier import (
    Carrier,
    InboundText,
    Media,
    OutboundText,
    SentText,
    TextReport,
    ThreadPolicy,
    Untold,
)
from integrations.contract.checks import CALL_SECONDS, CheckFailedError, run_checks
from integrations.contract.connector import (
    CheckResult,
    TokenCache,
    WebhookItem,
    WebhookRequest,
    WebhookResult,
)
from integrations.contract.errors import RejectedError
from integrations.contract.manifest import ErrorHelp, Manifest
from integrations.http.client import HttpClient
from integrations.kit.json_values import Json, as_object, as_text
from integrations.kit.plain_json import vendor_json
from integrations.vendors.twilio_sms.client import TwilioClient
from integrations.vendors.twilio_sms.manifest import MANIFEST
from integrations.vendors.twilio_sms.mapping.errors import CAUSES, MEDIA_REFUSED
from integrations.vendors.twilio_sms.mapping.signature import form_pairs, require_true
from integrations.vendors.twilio_sms.mapping.texts import (
    TEXT_ID,
    has_files,
    inbound_text,
    message_form,
    received_messages,
    received_text,
    same_text,
    sent_text,
    text_report,
)

# Anything but an empty answer would be texted to whoever wrote.
_NO_REPLY = "<Response/>"
_XML = "text/xml"
_REPORTS = "status"


class TwilioCarrier(Carrier):
    """One account; the number that was written to is the one that answers."""

    manifest: ClassVar[Manifest] = MANIFEST
    error_causes: ClassVar[Mapping[str, ErrorHelp]] = CAUSES

    def __init__(
        self, *, credentials: Mapping[str, str], http: HttpClient, tokens: TokenCache
    ) -> None:
        """Keep the decrypted credentials."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._client = TwilioClient(http, credentials)

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Write numbers as Twilio does: without blanks, brackets and dashes inside."""
        kept, typed = dict(values), values.get("numbers", "")
        parts = [re.sub(r"[\s().-]", "", one) for one in re.split(r"[,;\n]", typed)]
        kept["numbers"] = ", ".join(dict.fromkeys(filter(None, parts)))
        return kept, ()

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Ask for a sender, and for both halves of an API key."""
        errors = {}
        if not values.get("numbers") and not values.get("messaging_service_sid"):
            errors["numbers"] = "Enter a number or a Messaging Service: texts need a sender."
        if bool(values.get("api_key_sid")) != bool(values.get("api_key_secret")):
            missing = "api_key_secret" if values.get("api_key_sid") else "api_key_sid"
            errors[missing] = "An API key has a SID and a secret: enter both, or neither."
        return errors

    @classmethod
    def policy(cls, credentials: Mapping[str, str]) -> ThreadPolicy:
        """Return what the values say about threads."""
        told = credentials.get("told", "")
        per_second = credentials.get("texts_per_second", "")
        variants = as_object(vendor_json((credentials.get("number_variants") or "{}").encode()))
        return ThreadPolicy(
            numbers=tuple(filter(None, re.split(r"[\s,;]+", credentials.get("numbers", "")))),
            variants={number: as_text(variant) for number, variant in variants.items()},
            told=frozenset(filter(None, told.split(","))),
            sends_media=credentials.get("sends_media") == "true",
            wants_reports=credentials.get("status_callbacks", "true") == "true",
            texts_per_second=float(per_second) if per_second else 1.0,
        )

    # ---- calls ----

    @classmethod
    def parse_webhook(
        cls, request: WebhookRequest, credentials: Mapping[str, str]
    ) -> WebhookResult:
        """Verify a call, and keep all that it says; the answer texts nobody."""
        require_true(
            url=request.url,
            method=request.method,
            headers=request.headers,
            body=request.body,
            auth_tokens=(
                credentials.get("auth_token", ""),
                credentials.get("other_auth_token", ""),
            ),
            shared_key=credentials.get("webhook_shared_key", ""),
        )
        form = _form(request)
        sid = as_text(form.get("MessageSid")) or as_text(form.get("SmsSid"))
        is_ours = as_text(form.get("AccountSid")) in ("", credentials.get("account_sid", ""))
        items = []
        if sid and is_ours:
            kind = request.endpoint
            about = request.query.get(TEXT_ID, "") if kind == _REPORTS else ""
            body = {"kind": kind, "text": about, "form": form}
            items.append(WebhookItem(item_id=sid, key=sid, body=body))
        return WebhookResult(items=items, body=_NO_REPLY, content_type=_XML)

    @classmethod
    def read(
        cls, item: WebhookItem, credentials: Mapping[str, str]
    ) -> InboundText | TextReport | None:
        """Return the text or the report that a call brought."""
        form = as_object(item.body.get("form"))
        if item.body.get("kind") == _REPORTS:
            return text_report(form, as_text(item.body.get("text")))
        return inbound_text(form, is_advanced=credentials.get("advanced_opt_out") == "true")

    async def fetch_media(self, media: Media, *, max_bytes: int) -> bytes:
        """Download a file, with the account's credentials where Twilio asks for them."""
        return await self._client.media(media.url, max_bytes=max_bytes)

    # ---- texts ----

    async def send(self, text: OutboundText) -> SentText:
        """Create a message; what is refused for its files alone goes as text, which has links."""
        service = self._credentials.get("messaging_service_sid", "")
        try:
            return sent_text(await self._client.create_message(message_form(text, service)))
        except RejectedError as error:
            if error.vendor_code not in MEDIA_REFUSED or not text.media_urls:
                raise
        links = "\n".join(filter(None, (text.text, *text.media_urls)))
        bare = replace(text, media_urls=(), text=links)
        return sent_text(await self._client.create_message(message_form(bare, service)))

    async def find_sent(
        self, text: OutboundText, *, since: datetime, but: Collection[str]
    ) -> SentText | None:
        """Look among the account's newest messages to the same number."""
        listed = await self._client.list_messages(to=text.recipient)
        return same_text(listed, text, since=since, but=but)

    async def received(
        self, number: str, *, since: datetime, untold: Untold
    ) -> Sequence[InboundText]:
        """Look through the account's messages to a number of ours, up to one page without news."""
        found: list[Json] = []
        page: Json | None = await self._client.list_messages(to=number)
        while page is not None:
            messages = received_messages(page, since=since)
            new = await untold(messages)
            found += [message for sid, message in messages.items() if sid in new]
            page = await self._client.next_page(page) if new else None
        texts = [received_text(one, await self._files(one)) for one in reversed(found)]
        return [one for one in texts if one is not None]

    async def _files(self, message: Json) -> list[Json]:
        if not has_files(message):
            return []
        try:
            return await self._client.list_media(as_text(message.get("sid")))
        except RejectedError:  # they are not kept any more
            return []

    # ---- connecting ----

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Ask for the account, then for each number and where Twilio brings its texts."""
        return run_checks(
            [("account", self._account), ("numbers", self._numbers), ("webhook", self._webhooks)]
        )

    async def on_connected(self, webhook_urls: Mapping[str, str]) -> Mapping[str, str]:
        """Have texts brought here, at numbers for which nothing else is set."""
        for number in self.policy(self._credentials).numbers:
            for found in await self._found(number):
                if not as_text(found.get("sms_url")):
                    form = {"SmsUrl": webhook_urls["events"], "SmsMethod": "POST"}
                    await self._client.update_phone_number(as_text(found.get("sid")), form)
        return {}

    async def _account(self) -> str:
        try:
            account = await self._client.account(timeout=CALL_SECONDS)
        except RejectedError as error:
            raise CheckFailedError("invalid_routing") from error
        if (status := as_text(account.get("status"))) != "active":
            raise CheckFailedError("disabled", f"The account is {status}.")
        return ""

    async def _numbers(self) -> str:
        numbers = self.policy(self._credentials).numbers
        for number in numbers:
            found = await self._found(number)
            if not found:
                raise CheckFailedError("invalid_routing", number)
            if as_object(found[0].get("capabilities")).get("sms") is not True:
                raise CheckFailedError("wrong_type", number)
        return ", ".join(numbers) or "The Messaging Service chooses."

    async def _webhooks(self) -> str:
        """Look at the numbers alone: a service's setting is not in this API."""
        if self._credentials.get("messaging_service_sid"):
            return "The Messaging Service's own setting counts; look there."
        ours = self._credentials.get("webhook_url_aliases", "").split("\n")
        for number in self.policy(self._credentials).numbers:
            for found in await self._found(number):
                called = as_text(found.get("sms_url")).partition("#")[0]
                if called and called not in ours:
                    raise CheckFailedError("not_published", f"{number} calls {called}")
        return ""

    async def _found(self, number: str) -> list[Json]:
        return await self._client.incoming_phone_numbers(number, timeout=CALL_SECONDS)


def _form(request: WebhookRequest) -> dict[str, str]:
    if request.method == "GET":
        return dict(parse_qsl(request.url.partition("?")[2], keep_blank_values=True))
    return dict(form_pairs(request.method, request.headers, request.body))
