"""System checks: misconfiguration is told at start, with an id and the cure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from integrations.connections.building import vendor_route
from integrations.credentials.fields import keys_problem
from integrations.entry.single_sign_on.set_up import single_sign_on_problems
from integrations.http.route import route_problems

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1", "testserver"})


@register()
def check_encryption_keys(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Report a missing or malformed encryption key."""
    problem = keys_problem(settings.ENCRYPTION_KEYS)
    if not problem:
        return []
    hint = "Make a key with `manage.py make_key` and put it into BATON_ENCRYPTION_KEYS."
    return [Error(problem, hint=hint, id="integrations.E001")]


@register()
def check_local_vendors(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Report ALLOW_LOCAL_VENDORS on a host that others can reach."""
    if not settings.ALLOW_LOCAL_VENDORS or settings.DEBUG:
        return []
    foreign = [host for host in settings.ALLOWED_HOSTS if host not in _LOCAL_HOSTS]
    if not foreign:
        return []
    return [
        Error(
            f"ALLOW_LOCAL_VENDORS is on although this host is served as {', '.join(foreign)}.",
            hint="Unset ALLOW_LOCAL_VENDORS: it lets an admin point a connector at local services.",
            id="integrations.E002",
        )
    ]


@register()
def check_route(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report a proxy or certificates through which no vendor could be reached."""
    hint = "Correct it in .env or the environment, or take it out to reach vendors without it."
    return [
        Error(problem, hint=hint, id="integrations.E003")
        for problem in route_problems(vendor_route())
    ]


@register()
def check_setting_values(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Report each variable whose value cannot be meant so."""
    return [
        Error(problem.text, hint=problem.cure, id="config.E001")
        for problem in settings.SETTING_PROBLEMS
    ]


@register()
def check_single_sign_on(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Report each variable of single sign-on with which nobody could sign in."""
    return [
        Error(problem, hint=cure, id="config.E003") for problem, cure in single_sign_on_problems()
    ]


def refuse_unsafe_start() -> None:
    """Raise ImproperlyConfigured where a server would start although a check fails.

    Servers and workers do not run system checks, so outside DEBUG the failures stop them here.
    """
    if settings.DEBUG:
        return
    checks = (
        check_setting_values,
        check_encryption_keys,
        check_local_vendors,
        check_route,
        check_single_sign_on,
    )
    for message in [message for check in checks for message in check(None)]:
        raise ImproperlyConfigured(f"{message.id}: {message.msg} {message.hint}")
