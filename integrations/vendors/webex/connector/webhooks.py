"""Verifies Webex's calls on both of its paths, over their raw bytes; does no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import WebhookItem, WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.kit.json_values import Json, as_text
from integrations.kit.plain_json import vendor_object
from integrations.kit.signatures import hex_signature, require_recent, require_signature
from integrations.vendors.webex.mapping.notices import item_id_of, milliseconds, notice_of

SIGNATURE_HEADER = "x-webexcc-signature"
TIMESTAMP_HEADER = "x-webexcc-timestamp"
WINDOW = timedelta(minutes=5)
# The asset signs messages of the flow and of live agents, the subscriptions sign all else.
_SECRETS = ("asset_webhook_secret", "subscription_secret")


def parsed(request: WebhookRequest, credentials: Mapping[str, str]) -> WebhookResult:
    """Return the item of a call; raises WebhookVerificationError before reading the body."""
    _verify(request, credentials)
    body = vendor_object(request.body)
    _refuse_old(request.headers.get(TIMESTAMP_HEADER, ""), body)
    org_id = as_text(body.get("comciscoorgid"))
    if org_id and org_id.lower() != credentials.get("org_id", "").lower():
        raise WebhookVerificationError("webhook: the call is of another organization")
    notice = notice_of(body)
    key = notice.task_id or notice.origin
    if not key:
        return WebhookResult()  # about agents or captures: nobody waits for it
    item = WebhookItem(item_id=item_id_of(notice), key=key, body=body)
    return WebhookResult(items=(item,))


def _verify(request: WebhookRequest, credentials: Mapping[str, str]) -> None:
    given = request.headers.get(SIGNATURE_HEADER, "").lower()
    *others, last = [credentials.get(name, "") for name in _SECRETS]
    for secret in others:
        if secret and hex_signature(secret, request.body) == given:
            # Judged again below, in constant time.
            last = secret
    require_signature(given, last, request.body)


def _refuse_old(header: str, body: Json) -> None:
    """Judge the time where the header is there; whether the asset sends it is not known."""
    if not header:
        return
    stamp = milliseconds(header)
    if stamp is None or stamp != milliseconds(body.get("comciscotimestamp")):
        raise WebhookVerificationError("webhook: the timestamp is not the body's")
    require_recent(datetime.fromtimestamp(stamp / 1000, UTC), WINDOW)
