"""What of the operator's variables for single sign-on cannot be meant so."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from integrations.entry.members.roles import BY_KEY
from integrations.http.url_guard import url_problem


def single_sign_on_problems() -> Iterator[tuple[str, str]]:
    """Yield each problem with its cure; without any variable there is none."""
    issuer, client = settings.SINGLE_SIGN_ON_ISSUER, settings.SINGLE_SIGN_ON_CLIENT_ID
    if bool(issuer) != bool(client):
        missing = "SINGLE_SIGN_ON_CLIENT_ID" if issuer else "SINGLE_SIGN_ON_ISSUER"
        yield f"{missing} is empty.", "Set both SINGLE_SIGN_ON_ISSUER and _CLIENT_ID, or neither."
    if issuer and (problem := url_problem(issuer, allow_local=settings.ALLOW_LOCAL_AGENTS)):
        yield f"SINGLE_SIGN_ON_ISSUER: {problem}", "Copy the issuer from the provider."
    if settings.SINGLE_SIGN_ON_ONLY and not (issuer and client):
        yield (
            "SINGLE_SIGN_ON_ONLY is on without a provider: nobody could sign in.",
            "Set SINGLE_SIGN_ON_ISSUER and SINGLE_SIGN_ON_CLIENT_ID, or switch it off.",
        )
    if settings.SINGLE_SIGN_ON_WORKSPACE and not settings.SINGLE_SIGN_ON_DOMAINS:
        yield (
            "SINGLE_SIGN_ON_WORKSPACE is open to everybody whom the provider knows.",
            "Name your domains in SINGLE_SIGN_ON_DOMAINS, or take the workspace out.",
        )
    if settings.SINGLE_SIGN_ON_ROLE not in BY_KEY:
        yield (
            "SINGLE_SIGN_ON_ROLE is no role.",
            f"Use one of {', '.join(BY_KEY)}.",
        )
