"""Where a handoff may go under a name that builders choose."""

from __future__ import annotations

from django.db import models

from integrations.models import Lockable, Project


class Destination(Lockable):
    """A name for a place: a queue at a vendor, or something that the client itself reaches.

    `hints` are those of a payload for `integration_key`; what a tool names itself comes first. An
    empty `integration_key` leaves the choice to the project. `queue_name`, `route` and
    `client_reason` are what a client gets that must carry the handoff out by itself.
    """

    class Kind(models.TextChoices):
        """Who carries the handoff out."""

        TEXT_CHAT = "text_chat", "Live agents of an integration"
        CLIENT = "client", "The page or app in which the conversation is shown"
        VOICE = "voice", "Telephone, by the page or app"

    class ClientReason(models.TextChoices):
        """Why a client is asked, in the words of the wire."""

        AGENT_DECISION = "AGENT_DECISION", "The AI agent decided so (AGENT_DECISION)"
        COMPLEX_QUERY = "COMPLEX_QUERY", "Too hard for the AI agent (COMPLEX_QUERY)"
        POLICY = "POLICY", "A rule of yours (POLICY)"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="destinations")
    name = models.CharField(max_length=128)
    description = models.CharField(max_length=500, blank=True)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.TEXT_CHAT)
    is_default = models.BooleanField(default=False)
    integration_key = models.CharField(max_length=40, blank=True)
    hints = models.JSONField(default=dict, blank=True)
    queue_name = models.CharField(max_length=128, blank=True)
    route = models.CharField(max_length=128, blank=True)
    client_reason = models.CharField(
        max_length=16, choices=ClientReason.choices, default=ClientReason.AGENT_DECISION
    )
    # The flow that begins when the live agent has left and the AI agent goes on; empty resumes the
    # one that has handed off.
    after_flow = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-is_default", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], name="destination_name_per_project"
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(is_default=True),
                name="one_default_destination",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_for_client(self) -> bool:
        """Say whether the portal opens nothing, and the client is asked to."""
        return self.kind != self.Kind.TEXT_CHAT
