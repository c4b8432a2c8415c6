"""Make releases and move environments to them; the only writer of both."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from conversations.models import Deployment, Release
from conversations.releases.content import digest_of, snapshot
from integrations.models import Environment, Project
from integrations.projects.audit import audit_record


class StaleDeploymentError(Exception):
    """Somebody else has moved the environment since the page was drawn."""


class NothingToDoError(Exception):
    """The environment answers with this already."""


def deployment_newest(project: Project, environment: str) -> Deployment | None:
    """Return the move that holds for an environment; None where it was never moved."""
    rows = Deployment.objects.filter(project=project, environment=environment)
    return rows.select_related("release", "previous", "actor").order_by("-id").first()


def deployment_seen(deployment: Deployment | None) -> str:
    """Return what a page names as the state that it has drawn."""
    return str(deployment.pk) if deployment else "none"


@transaction.atomic
def release_publish(
    *, project: Project, actor: Any, note: str = "", seen: str = "", draft_digest: str = ""
) -> Deployment:
    """Freeze the draft and let Sandbox answer with it.

    A draft that equals the newest release makes no second one. Raises StaleDeploymentError where
    `seen` is not the newest move, or `draft_digest` not the draft, and NothingToDoError.
    """
    project.lock()
    content = snapshot(project)
    digest = digest_of(content)
    if draft_digest and draft_digest != digest:
        raise StaleDeploymentError
    newest = project.releases.first()
    if newest is None or newest.digest != digest:
        newest = Release.objects.create(
            project=project,
            number=newest.number + 1 if newest else 1,
            note=note,
            content=content,
            digest=digest,
            created_by=actor,
        )
    return _deploy(project, Environment.SANDBOX.value, newest, actor=actor, note=note, seen=seen)


@transaction.atomic
def release_deploy(
    *, release: Release, environment: str, actor: Any, note: str = "", seen: str = ""
) -> Deployment:
    """Let an environment answer with a release: a newer one is promoted, an older one rolled back.

    Raises StaleDeploymentError where `seen` is not the newest move, and NothingToDoError.
    """
    release.project.lock()
    return _deploy(release.project, environment, release, actor=actor, note=note, seen=seen)


@transaction.atomic
def draft_follow(*, project: Project, environment: str, actor: Any, seen: str = "") -> Deployment:
    """Let an environment answer with the draft again, so that each save acts at once."""
    project.lock()
    return _deploy(project, environment, None, actor=actor, note="", seen=seen)


def _deploy(
    project: Project, environment: str, release: Release | None, *, actor: Any, note: str, seen: str
) -> Deployment:
    newest = deployment_newest(project, environment)
    if seen and seen != deployment_seen(newest):
        raise StaleDeploymentError
    previous = newest.release if newest else None
    if previous == release:
        raise NothingToDoError
    made = Deployment.objects.create(
        project=project,
        environment=environment,
        release=release,
        previous=previous,
        kind=_kind(environment, previous, release),
        note=note,
        actor=actor,
    )
    audit_record(
        project=project,
        actor=actor,
        action=f"release.{made.kind}",
        subject=f"{Environment(environment).label}: {release or 'draft'}",
    )
    return made


def _kind(environment: str, previous: Release | None, release: Release | None) -> str:
    if release is None:
        return Deployment.Kind.FOLLOW_DRAFT
    if previous is not None and release.number < previous.number:
        return Deployment.Kind.ROLL_BACK
    return (
        Deployment.Kind.PUBLISH if environment == Environment.SANDBOX else Deployment.Kind.PROMOTE
    )
