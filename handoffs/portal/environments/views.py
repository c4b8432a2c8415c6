"""Deploy > Environments: what runs where, and how it moves safely."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from conversations.releases.compare import Change, changes_counted, contents_compare
from conversations.releases.content import digest_of
from conversations.releases.services import (
    NothingToDoError,
    StaleDeploymentError,
    draft_follow,
    release_deploy,
    release_publish,
)
from handoffs.portal.environments.checks import release_check
from handoffs.portal.environments.selectors import (
    DRAFT,
    Side,
    deployed,
    draft_changes,
    environment_cards,
    releases_with_size,
    seen_now,
    side,
    side_now,
)
from integrations.models import Access, Area, Environment, Project
from integrations.projects.access import project_view

NOTE_MAX = 200


@project_view(Area.DEPLOYMENTS)
@require_http_methods(["GET"])
def environments(request: HttpRequest, project: Project) -> HttpResponse:
    """Show what each environment answers with, the releases, and every move."""
    found = deployed(project)
    context = {
        "cards": environment_cards(found),
        "draft_changes": draft_changes(found),
        "releases": releases_with_size(found),
        "history": found.history,
    }
    return render(request, "handoffs/environments.html", context)


@project_view(Area.DEPLOYMENTS)
@require_http_methods(["GET"])
def compare(request: HttpRequest, project: Project) -> HttpResponse:
    """Show what differs between two releases, or a release and the draft."""
    newest = project.releases.first()
    default = str(newest.number) if newest else DRAFT
    before = side(project, request.GET.get("from") or default)
    after = side(project, request.GET.get("to") or DRAFT)
    changes = contents_compare(before.content, after.content)
    context = {
        "before": before,
        "after": after,
        "changes": changes,
        "counted": changes_counted(changes),
        "numbers": [str(number) for number in project.releases.values_list("number", flat=True)],
    }
    return render(request, "handoffs/release_compare.html", context)


@project_view(Area.DEPLOYMENTS, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
def deploy(request: HttpRequest, project: Project, environment: str) -> HttpResponse:
    """Show what a move would change and what would fail, and carry it out when it is confirmed."""
    if environment not in Environment.values:
        raise Http404("No such environment.")
    now = side_now(project, environment)
    wanted = side(project, request.POST.get("release") or request.GET.get("release") or DRAFT)
    if wanted.key == DRAFT and environment != Environment.SANDBOX:
        raise Http404("Only Sandbox takes the draft.")
    if request.method != "POST":
        return _page(request, project, environment, now, wanted)
    if environment == Environment.LIVE and request.POST.get("confirm", "").strip() != "Live":
        problem = "Type Live to confirm: end users talk to this environment."
        return _page(request, project, environment, now, wanted, problem=problem, status=422)
    return _carry_out(request, project, environment, now, wanted)


@project_view(Area.DEPLOYMENTS, to_read=Access.EDIT)
@require_http_methods(["POST"])
def follow_draft(request: HttpRequest, project: Project) -> HttpResponse:
    """Let Sandbox answer with the draft again."""
    try:
        draft_follow(
            project=project,
            environment=Environment.SANDBOX.value,
            actor=request.user,
            seen=request.POST.get("seen", ""),
        )
    except (NothingToDoError, StaleDeploymentError):
        messages.info(request, "Nothing was done: Sandbox has been moved meanwhile.")
    else:
        messages.success(request, "Sandbox follows the draft: each save acts there at once.")
    return redirect("environments", project_id=project.public_id)


def _carry_out(
    request: HttpRequest, project: Project, environment: str, now: Side, wanted: Side
) -> HttpResponse:
    note, seen = request.POST.get("note", "").strip()[:NOTE_MAX], request.POST.get("seen", "")
    try:
        if wanted.release is None:
            made = release_publish(
                project=project,
                actor=request.user,
                note=note,
                seen=seen,
                draft_digest=request.POST.get("digest", ""),
            )
        else:
            made = release_deploy(
                release=wanted.release,
                environment=environment,
                actor=request.user,
                note=note,
                seen=seen,
            )
    except StaleDeploymentError:
        problem = "Nothing was done: it has changed since this page was opened. Look again."
        return _page(request, project, environment, now, wanted, problem=problem, status=409)
    except NothingToDoError:
        messages.info(request, "Nothing to do: it answers with this already.")
    else:
        messages.success(request, f"{made.release} is now in {Environment(environment).label}.")
    return redirect("environments", project_id=project.public_id)


def _page(
    request: HttpRequest,
    project: Project,
    environment: str,
    now: Side,
    wanted: Side,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    changes: list[Change] = contents_compare(now.content, wanted.content)
    context: dict[str, Any] = {
        "environment": Environment(environment),
        "is_live": environment == Environment.LIVE,
        "now": now,
        "wanted": wanted,
        "verb": _verb(now, wanted),
        "changes": changes,
        "counted": changes_counted(changes),
        "findings": release_check(project, wanted.content, environment),
        "seen": seen_now(project, environment),
        "digest": digest_of(wanted.content) if wanted.key == DRAFT else "",
        "note": request.POST.get("note", ""),
        "note_max": NOTE_MAX,
        "problem": problem,
    }
    return render(request, "handoffs/release_deploy.html", context, status=status)


def _verb(now: Side, wanted: Side) -> str:
    if wanted.release is None:
        return "Publish"
    if now.release is not None and wanted.release.number < now.release.number:
        return "Roll back"
    return "Promote"
