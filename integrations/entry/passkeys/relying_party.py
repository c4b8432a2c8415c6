"""Who this portal is to a passkey: the host name and the origin of PUBLIC_URL, whoever asks."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings
from fido2.server import Fido2Server
from fido2.webauthn import PublicKeyCredentialRpEntity

_PORTS = {"https": 443, "http": 80}
_LOCAL = "localhost"


def own_host() -> str:
    """Return the host name that passkeys are made for; they are good for no other one."""
    return urlsplit(settings.PUBLIC_URL).hostname or ""


def own_origin() -> str:
    """Return the one origin whose answers are taken, as browsers write it."""
    parts = urlsplit(settings.PUBLIC_URL)
    port = f":{parts.port}" if parts.port and parts.port != _PORTS.get(parts.scheme) else ""
    return f"{parts.scheme}://{own_host()}{port}"


def passkeys_problem() -> str:
    """Say why browsers make no passkeys for this portal; nothing where they do."""
    host = own_host()
    if _is_number(host):
        return f"Passkeys belong to a host name, and this portal is at the address {host}."
    is_local = host == _LOCAL or host.endswith(f".{_LOCAL}")
    if not settings.IS_HTTPS and not is_local:
        return "Passkeys need https, and this portal is reached by http."
    return ""


def relying_party() -> Fido2Server:
    """Return what makes challenges and checks answers; who made a device is not asked."""
    party = PublicKeyCredentialRpEntity(id=own_host(), name="Baton")
    return Fido2Server(party, attestation="none", verify_origin=own_origin().__eq__)  # type: ignore[arg-type]


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
