"""Signs requests for AWS; botocore computes the signature and sends nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from integrations.http.url_guard import is_local_host

# Keys are replaced before they expire, so that no request meets the last second.
_EARLY_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsKeys:
    """What a request is signed with; `expires_at` is Unix time, None for keys that stay."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    expires_at: float | None = None

    @property
    def is_fresh(self) -> bool:
        """Say whether the keys can be used for a while yet."""
        return self.expires_at is None or self.expires_at - time.time() > _EARLY_SECONDS


def signed_headers(
    keys: AwsKeys,
    *,
    service: str,
    region: str,
    method: str,
    url: str,
    body: bytes,
    content_type: str,
) -> dict[str, str]:
    """Return the headers that must go with exactly this body to exactly this address."""
    headers = {"Content-Type": content_type} if body else {}
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    credentials = Credentials(
        keys.access_key_id, keys.secret_access_key, keys.session_token or None
    )
    SigV4Auth(credentials, service, region).add_auth(request)
    return {str(name): str(value) for name, value in request.headers.items()}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where AWS's services are; an override on this machine stands in for all of them."""

    override: str = ""

    def connect(self, region: str) -> str:
        """Return the address of the service that starts and stops chats."""
        return self.override.rstrip("/") or f"https://connect.{region}.{_domain(region)}"

    def participant(self, region: str) -> str:
        """Return the address of the chats themselves."""
        return self._local() or f"https://participant.connect.{region}.{_domain(region)}"

    def sts(self, region: str) -> str:
        """Return the address of the service that lends a role's keys."""
        return self._local() or f"https://sts.{region}.{_domain(region)}"

    def _local(self) -> str:
        host = urlsplit(self.override).hostname or ""
        return self.override.rstrip("/") if is_local_host(host) else ""


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
