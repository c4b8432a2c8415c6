"""Workspaces, their projects, and who may do what in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils import timezone

from integrations.models.identifiers import project_id, workspace_id


class Lockable(models.Model):
    """A row that several people may change at once: whoever saves it locks it first.

    What was read before may lack what somebody else has saved since: it would be taken back.
    """

    class Meta:
        abstract = True

    def lock(self, *fields: str) -> None:
        """Lock the row until the transaction ends, and read these fields again, or all its own."""
        own = [one.name for one in self._meta.concrete_fields if not one.is_relation]
        rows = type(self)._default_manager.select_for_update(no_key=True, of=("self",))
        self.refresh_from_db(fields=fields or own, from_queryset=rows)

    def change(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Lock the row and set what is given; saves nothing.

        Returns what stood there before, of all that differs.
        """
        self.lock()
        before = {name: getattr(self, name) for name in sorted(values)}
        for name, value in values.items():
            setattr(self, name, value)
        return {name: old for name, old in before.items() if old != values[name]}


class Workspace(models.Model):
    """A customer: holds projects and members."""

    public_id = models.CharField(max_length=32, unique=True, default=workspace_id)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    requires_second_factor = models.BooleanField(default=False, db_default=False)
    # Minutes without activity after which its members are signed out; 0: the installation's own.
    idle_minutes = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Project(Lockable):
    """The tenant: owns integrations, conversations, topics and tools."""

    public_id = models.CharField(max_length=32, unique=True, default=project_id)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="projects")
    slug = models.SlugField()
    name = models.CharField(max_length=120)
    agent_name = models.CharField(max_length=50, default="AI agent")
    greeting = models.CharField(max_length=500, default="Hello. How can I help you today?")
    no_match_text = models.CharField(
        max_length=500,
        default="I don't have an answer to that. You can ask me to connect you with a person.",
    )
    # state_keys, aliases and shared_id_state_key of the Handoff API
    handoff_api = models.JSONField(default=dict, blank=True)
    # Why conversations are handed off, [{code, label}]; a reason that is none of them is kept too.
    handoff_reasons = models.JSONField(default=list, blank=True, db_default=[])
    # When the AI agent hands off by itself (conversations/ai_agent/topics/policy.py).
    trigger_policy = models.JSONField(default=dict, db_default={}, blank=True)
    # How long what was said is kept (integrations/projects/retention.py).
    retention = models.JSONField(default=dict, db_default={}, blank=True)
    # Who is told when something is wrong (handoffs/portal/alerts/telling.py).
    alerts = models.JSONField(default=dict, db_default={}, blank=True)
    # Whose days analytics counts, and within how many seconds a live agent should join.
    time_zone = models.CharField(max_length=64, default="UTC", db_default="UTC")
    service_level_seconds = models.PositiveIntegerField(default=60, db_default=60)
    # What its daily totals were made with (handoffs/portal/analytics/totals/).
    totals_basis = models.CharField(max_length=100, default="", db_default="", blank=True)
    allow_inline_overrides = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "slug"], name="project_slug_per_workspace")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        """Return whose days its lists and figures count."""
        return ZoneInfo(self.time_zone)

    @property
    def today(self) -> date:
        """Return which day it is there."""
        return timezone.localdate(timezone=self.zone)


class Area(models.TextChoices):
    """The parts of the portal for which access is given."""

    INTEGRATIONS = "integrations"
    KNOWLEDGE = "knowledge"
    TOOLS = "tools"
    WIDGETS = "widgets"
    CONVERSATIONS = "conversations"
    ACCOUNT = "account"
    DEPLOYMENTS = "deployments"
    ANALYTICS = "analytics"
    AUDIT = "audit"


class Access(models.IntegerChoices):
    """How far a member may go in an area."""

    NONE = 0
    READ = 1
    EDIT = 2


class Membership(models.Model):
    """A user's rights in a workspace; an admin may edit every area."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    is_admin = models.BooleanField(default=False)
    areas = models.JSONField(default=dict, blank=True)
    # What people wrote, and what they are called; apart from the areas, in all of them.
    sees_personal_data = models.BooleanField(default=False)
    # The projects, by public id, whose first steps the member has put away.
    first_steps_dismissed = models.JSONField(default=list, db_default=[], blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="one_membership_per_user")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}"

    def access(self, area: str) -> Access:
        """Return the member's access to an area; what is not given is none."""
        return Access.EDIT if self.is_admin else Access(self.areas.get(area, Access.NONE))

    @property
    def may_see_personal_data(self) -> bool:
        """Say whether the member sees what people wrote and what they are called."""
        return self.is_admin or self.sees_personal_data
