"""What connects a participant: the address of a socket and the connection token."""

from __future__ import annotations

from integrations.vendors.amazon_connect.simulator.answers import iso_time
from integrations.vendors.amazon_connect.simulator.instance import Body, Instance
from integrations.vendors.amazon_connect.simulator.state import Chat
from integrations.vendors.amazon_connect.simulator.tokens import Grant

SOCKET_PATH = "/participant-socket"


def connection_parts(instance: Instance, chat: Chat, kinds: list[str], base_url: str) -> Body:
    """Return the parts of a connection that were asked for."""
    parts: Body = {}
    if "WEBSOCKET" in kinds:
        token, expiry = _issue(instance, chat, "socket", instance.switches.url_ttl_seconds)
        address = "ws" + base_url.removeprefix("http") + SOCKET_PATH
        parts["Websocket"] = {
            "Url": f"{address}?X-Amz-Expires=100&X-Amz-Signature={token}",
            "ConnectionExpiry": expiry,
        }
    if "CONNECTION_CREDENTIALS" in kinds:
        token, expiry = _issue(instance, chat, "connection", instance.switches.token_ttl_seconds)
        parts["ConnectionCredentials"] = {"ConnectionToken": token, "Expiry": expiry}
    return parts


def _issue(instance: Instance, chat: Chat, kind: str, seconds: float) -> tuple[str, str]:
    expires_at = instance.now() + seconds
    grant = Grant(
        chat_id=chat.initial_contact_id,
        participant_id=chat.customer.participant_id,
        expires_at=expires_at,
    )
    return instance.tokens.issue(kind, grant), iso_time(expires_at * 1000)
