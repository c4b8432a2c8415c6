"""What a member proves beside the password: an app's codes, and recovery codes for its loss."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from integrations.credentials.fields import EncryptedJSONField


class SecondFactor(models.Model):
    """One user's app; counts once it is confirmed."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor"
    )
    # key: what the app was given, in Base32; recovery: hashes of the codes that are left.
    secrets = EncryptedJSONField()
    # The time step of the last code that was taken: none of it and before it is taken again.
    last_step = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Second factor of {self.user}"
