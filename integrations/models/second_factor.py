"""What a member proves beside the password: an app's codes, passkeys, and codes for their loss."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from integrations.credentials.fields import EncryptedJSONField


class SecondFactor(models.Model):
    """One user's app, which counts once it is confirmed, and their recovery codes."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor"
    )
    # key: what the app was given, in Base32, without one none; recovery: hashes of the codes left.
    secrets = EncryptedJSONField()
    # The time step of the last code that was taken: none of it and before it is taken again.
    last_step = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Second factor of {self.user}"


class Passkey(models.Model):
    """One key of a user, on a device, in a password manager or by itself; public parts alone."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="passkeys"
    )
    name = models.CharField(max_length=60)
    # The host name that it was made for: it is good for no other one.
    host = models.CharField(max_length=255)
    # Names the user to the device, and says nothing of them.
    handle = models.CharField(max_length=90)
    # In base64url, as browsers send it.
    credential_id = models.CharField(max_length=1400, unique=True)
    # Who made the device, the credential and its public key, as the standard packs them.
    public = models.BinaryField()
    transports = models.JSONField(default=list)
    # A thing that is plugged in or held near, from which nothing is copied.
    is_security_key = models.BooleanField(default=False)
    # How often it has signed; those that are copied between devices stay at 0.
    sign_count = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"Passkey of {self.user}"

    @property
    def kind(self) -> str:
        """Say in words what it is."""
        return "security key" if self.is_security_key else "passkey"
