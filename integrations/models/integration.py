"""One project's connection to one vendor, and its shared access tokens."""

from __future__ import annotations

from django.db import models

from integrations.credentials.fields import EncryptedJSONField
from integrations.models.connection_name import DEFAULT_SET, ConnectionName
from integrations.models.workspace import Lockable, Project


class Environment(models.TextChoices):
    """Where a version of a project is used; each has its own integrations and channels."""

    SANDBOX = "sandbox", "Sandbox"
    PRE_RELEASE = "pre-release", "Pre-release"
    LIVE = "live", "Live"


class Integration(Lockable):
    """A tile's content: credentials, behaviour, status and the last error."""

    class Status(models.TextChoices):
        """What the tile says."""

        NOT_CONNECTED = "not_connected", "Not connected"
        CONNECTED = "connected", "Connected"
        NEEDS_ATTENTION = "needs_attention", "Needs attention"
        DISABLED = "disabled", "Disabled"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="integrations")
    environment = models.CharField(max_length=16, choices=Environment.choices)
    connector_key = models.CharField(max_length=40)
    integration_key = models.CharField(max_length=40)
    credential_set = models.CharField(max_length=40, default=DEFAULT_SET)
    # Which variants of the project use this set, and EVERY_VARIANT where the rest do.
    assigned_to = models.JSONField(default=list, blank=True, db_default=[])
    credentials = EncryptedJSONField()
    # Values of a Connect form that was left half-way; never used to connect.
    draft = EncryptedJSONField()
    behaviour = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.NOT_CONNECTED)
    is_default = models.BooleanField(default=False)
    last_error_code = models.CharField(max_length=40, blank=True)
    last_error_message = models.CharField(max_length=400, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_webhook_at = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField(null=True, blank=True)
    # Names the inbox at a vendor that can call one portal address only; empty elsewhere.
    inbox_key = models.CharField(max_length=64, blank=True)
    failed_probes = models.PositiveSmallIntegerField(default=0)
    # When the checks were run last by the clock, whatever they said.
    probed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "environment", "integration_key", "credential_set"],
                name="one_integration_per_set",
            ),
            models.UniqueConstraint(
                fields=["project", "environment"],
                condition=models.Q(is_default=True),
                name="one_default_integration",
            ),
            models.UniqueConstraint(
                fields=["inbox_key"],
                condition=~models.Q(inbox_key=""),
                name="one_integration_per_inbox",
            ),
        ]

    def __str__(self) -> str:
        is_plain = self.credential_set == DEFAULT_SET
        name = self.integration_key if is_plain else f"{self.integration_key}:{self.credential_set}"
        return f"{name} ({self.environment})"

    @property
    def connection(self) -> ConnectionName:
        """Name it in an address."""
        return ConnectionName(self.connector_key, self.credential_set)

    @property
    def is_usable(self) -> bool:
        """Say whether a handoff may use it: an integration that needs attention is still tried."""
        return self.status in (self.Status.CONNECTED, self.Status.NEEDS_ATTENTION)


class VendorToken(models.Model):
    """An access token shared by all workers; encrypted, and gone when it expires."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=120)
    value = EncryptedJSONField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["integration", "name"], name="one_token_per_name")
        ]

    def __str__(self) -> str:
        return self.name
