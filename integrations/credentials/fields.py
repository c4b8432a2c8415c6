"""A JSON column that is encrypted at rest: the first key encrypts, every key decrypts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


class DecryptionError(Exception):
    """A stored value fits none of the keys; it is left untouched and never shown."""


def keys_problem(keys: Sequence[str]) -> str:
    """Say in one sentence what is wrong with the key list, or return the empty string."""
    if not keys:
        return "BATON_ENCRYPTION_KEYS is empty: credentials cannot be stored."
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            return f"Key {number} of BATON_ENCRYPTION_KEYS is not 32 url-safe base64 bytes."
    return ""


def cipher() -> MultiFernet:
    """Return the cipher for the keys in settings; raises ImproperlyConfigured without one."""
    return _cipher(tuple(settings.ENCRYPTION_KEYS))


@lru_cache(maxsize=2)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    problem = keys_problem(keys)
    if problem:
        raise ImproperlyConfigured(problem)
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(value: Any) -> str:
    """Return a JSON value as an encrypted token."""
    return cipher().encrypt(json.dumps(value, separators=(",", ":")).encode()).decode()


def decrypt(token: str) -> Any:
    """Return the JSON value of a token; raises DecryptionError rather than return rubbish."""
    try:
        return json.loads(cipher().decrypt(token.encode()))
    except InvalidToken as error:
        raise DecryptionError("A stored secret fits none of the encryption keys.") from error


class EncryptedJSONField(_TextField):
    """Stores a JSON value as a Fernet token; reading without the right key raises."""

    description = "Encrypted JSON"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Default to an empty object."""
        kwargs.setdefault("default", dict)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """Decrypt what the database holds."""
        return None if value is None else decrypt(value)

    def get_prep_value(self, value: Any) -> str | None:
        """Encrypt what goes to the database."""
        return None if value is None else encrypt(value)

    def to_python(self, value: Any) -> Any:
        """Leave values as they are: only the database holds tokens."""
        return value

    def value_to_string(self, obj: models.Model) -> str:
        """Serialise the token, never the value, so that a dump holds no secret."""
        return encrypt(self.value_from_object(obj))
