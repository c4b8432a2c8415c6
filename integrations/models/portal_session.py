"""Where somebody is signed in to the portal."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class PortalSession(models.Model):
    """One browser's session: what its member recognises it by, and when it was last used."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="portal_sessions"
    )
    session_key = models.CharField(max_length=40, unique=True)
    device = models.CharField(max_length=120, blank=True)
    address = models.CharField(max_length=60, blank=True)
    # By what: a password, a password and an app, single sign-on.
    way = models.CharField(max_length=40, blank=True)
    signed_in_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return f"Session of {self.user}"


class SingleSignOnLink(models.Model):
    """Who a person of the OpenID provider is here, once an e-mail address has told it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="single_sign_on_links"
    )
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_user_per_subject")
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.issuer}"
