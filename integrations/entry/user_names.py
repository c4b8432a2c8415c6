"""Sign in by user name or by e-mail address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

# By its path, as a session names it.
BACKEND = "integrations.entry.user_names.UserNameOrEmail"


class UserNameOrEmail(ModelBackend):
    """Django's own backend, which also knows the e-mail address of one user alone."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return the user whose name or e-mail address and password these are."""
        return super().authenticate(request, _user_name(username), password, **kwargs)

    def get_user(self, user_id: Any) -> Any:
        """Return the user of a session, with what they chose for pages, in one statement."""
        users = get_user_model().objects.select_related("portal_settings")
        user = users.filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None


def _user_name(given: str | None) -> str | None:
    """Return the user name behind an e-mail address; a user of that very name comes first."""
    users = get_user_model().objects
    if not given or "@" not in given or users.filter(username=given).exists():
        return given
    named = users.filter(email__iexact=given.strip()).values_list("username", flat=True)[:2]
    return named[0] if len(named) == 1 else given
