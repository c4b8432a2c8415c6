"""What the Environments pages show: what each environment answers with, and how it came there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import Http404

from conversations.models import Conversation, Deployment, Release
from conversations.releases.compare import changes_counted, contents_compare
from conversations.releases.content import snapshot
from conversations.releases.services import deployment_newest, deployment_seen
from integrations.models import Environment, Project

DRAFT = "draft"
HISTORY_MAX = 50
_ORDER = [one.value for one in Environment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The draft or a release, as pages name it and compare it."""

    key: str
    title: str
    content: Mapping[str, Any] = field(repr=False)
    release: Release | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentCard:
    """One environment: what it answers with, since when, and what could come next."""

    environment: Environment
    release: Release | None
    deployment: Deployment | None
    conversations_now: int
    conversations_on_others: int
    # What has changed since: against the environment before it, or the draft.
    ahead: str
    source: Release | None
    choices: list[Release]


def environment_cards(project: Project) -> list[EnvironmentCard]:
    """Return the three environments in the order in which a release moves."""
    draft, releases = snapshot(project), list(project.releases.all())
    newest = {one: deployment_newest(project, one) for one in _ORDER}
    cards = []
    for at, name in enumerate(_ORDER):
        deployment = newest[name]
        release = deployment.release if deployment else None
        before = newest[_ORDER[at - 1]] if at else None
        source = before.release if before else None
        ahead = draft if at == 0 else (source.content if source else None)
        cards.append(
            EnvironmentCard(
                environment=Environment(name),
                release=release,
                deployment=deployment,
                conversations_now=_open(project, name, release).count(),
                conversations_on_others=_open_elsewhere(project, name, release).count(),
                ahead=_ahead(release, ahead),
                source=source if source != release else None,
                choices=[one for one in releases if one != release],
            )
        )
    return cards


def draft_changes(project: Project) -> str:
    """Say how much the draft differs from the newest release."""
    newest = project.releases.first()
    if newest is None:
        return "nothing published yet"
    return changes_counted(contents_compare(newest.content, snapshot(project)))


def side(project: Project, key: str) -> Side:
    """Return the draft, or a release by its number; raises Http404."""
    if key == DRAFT:
        return Side(key=DRAFT, title="the draft", content=snapshot(project))
    release = project.releases.filter(number=int(key)).first() if key.isdecimal() else None
    if release is None:
        raise Http404("No such release.")
    return Side(key=key, title=f"release {key}", content=release.content, release=release)


def side_now(project: Project, environment: str) -> Side:
    """Return what an environment answers with."""
    deployment = deployment_newest(project, environment)
    release = deployment.release if deployment else None
    return side(project, str(release.number) if release else DRAFT)


def seen_now(project: Project, environment: str) -> str:
    """Return the mark by which a form names the move that it was drawn after."""
    return deployment_seen(deployment_newest(project, environment))


def history(project: Project) -> list[Deployment]:
    """Return the newest moves of all environments."""
    rows = project.deployments.select_related("release", "previous", "actor")
    return list(rows[:HISTORY_MAX])


def releases_with_size(project: Project) -> list[tuple[Release, str]]:
    """Return the releases, newest first, each with what it changed."""
    releases = list(project.releases.select_related("created_by"))
    older = [*(one.content for one in releases[1:]), {}]
    return [
        (one, changes_counted(contents_compare(was, one.content)))
        for one, was in zip(releases, older, strict=False)
    ][:HISTORY_MAX]


def _ahead(release: Release | None, source: Mapping[str, Any] | None) -> str:
    if release is None or source is None:
        return ""
    found = contents_compare(release.content, source)
    return changes_counted(found) if found else ""


def _open(project: Project, environment: str, release: Release | None) -> Any:
    rows = Conversation.objects.filter(project=project, environment=environment, release=release)
    return rows.exclude(state=Conversation.State.ENDED)


def _open_elsewhere(project: Project, environment: str, release: Release | None) -> Any:
    rows = Conversation.objects.filter(project=project, environment=environment)
    if release is None:
        return rows.filter(release__isnull=False).exclude(state=Conversation.State.ENDED)
    is_other = rows.exclude(release=release)
    return is_other.exclude(state=Conversation.State.ENDED)
