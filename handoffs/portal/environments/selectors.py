"""What the Environments pages show: what each environment answers with, and how it came there."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count
from django.http import Http404

from conversations.models import Conversation, Deployment, Release
from conversations.releases.compare import changes_counted, contents_compare
from conversations.releases.content import snapshot
from conversations.releases.services import deployment_newest, deployment_seen
from integrations.kit.json_values import count_read
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """All that the page is made of, read once."""

    draft: Mapping[str, Any] = field(repr=False)
    releases: list[Release]
    # The newest moves of all environments, and for each the one that holds.
    history: list[Deployment]
    newest: dict[str, Deployment | None]
    # Open conversations by environment and the release that they keep.
    talks: Counter[tuple[str, uuid.UUID | None]]


def deployed(project: Project) -> Deployed:
    """Read what runs where, in four statements."""
    moves = project.deployments.select_related("release", "previous", "actor")
    history = list(moves[:HISTORY_MAX])
    newest: dict[str, Deployment | None] = dict.fromkeys(_ORDER)
    for move in reversed(history):
        newest[move.environment] = move
    for name, move_of in newest.items():
        if move_of is None and len(history) == HISTORY_MAX:
            newest[name] = deployment_newest(project, name)
    rows = Conversation.objects.filter(project=project).exclude(state=Conversation.State.ENDED)
    counted = rows.order_by().values_list("environment", "release_id").annotate(n=Count("pk"))
    return Deployed(
        draft=snapshot(project),
        releases=list(project.releases.select_related("created_by")),
        history=history,
        newest=newest,
        talks=Counter({(name, release): n for name, release, n in counted}),
    )


def environment_cards(found: Deployed) -> list[EnvironmentCard]:
    """Return the three environments in the order in which a release moves."""
    cards = []
    for at, name in enumerate(_ORDER):
        deployment = found.newest[name]
        release = deployment.release if deployment else None
        before = found.newest[_ORDER[at - 1]] if at else None
        source = before.release if before else None
        ahead = found.draft if at == 0 else (source.content if source else None)
        here = found.talks[name, release.pk if release else None]
        all_ = sum(n for (environment, _), n in found.talks.items() if environment == name)
        cards.append(
            EnvironmentCard(
                environment=Environment(name),
                release=release,
                deployment=deployment,
                conversations_now=here,
                conversations_on_others=all_ - here,
                ahead=_ahead(release, ahead),
                source=source if source != release else None,
                choices=[one for one in found.releases if one != release],
            )
        )
    return cards


def draft_changes(found: Deployed) -> str:
    """Say how much the draft differs from the newest release."""
    if not found.releases:
        return "nothing published yet"
    return changes_counted(contents_compare(found.releases[0].content, found.draft))


def side(project: Project, key: str) -> Side:
    """Return the draft, or a release by its number; raises Http404."""
    if key == DRAFT:
        return Side(key=DRAFT, title="the draft", content=snapshot(project))
    release = project.releases.filter(number=count_read(key) or 0).first()
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


def releases_with_size(found: Deployed) -> list[tuple[Release, str]]:
    """Return the releases, newest first, each with what it changed."""
    older = [*(one.content for one in found.releases[1:]), {}]
    return [
        (one, changes_counted(contents_compare(was, one.content)))
        for one, was in zip(found.releases, older, strict=False)
    ][:HISTORY_MAX]


def _ahead(release: Release | None, source: Mapping[str, Any] | None) -> str:
    if release is None or source is None:
        return ""
    found = contents_compare(release.content, source)
    return changes_counted(found) if found else ""
