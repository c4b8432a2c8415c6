"""Set what a project says, what its Handoff API adds, and what its tools may decide."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from integrations.models import Project
from integrations.projects.reasons import Reason, reasons_read
from integrations.projects.settings import project_set, state_keys_read

_PLAIN = ("name", "agent_name", "greeting", "no_match_text", "allow_inline_overrides")


class Command(BaseCommand):
    """Changes what is named and leaves the rest."""

    help = "Set a project's words: set_project birchline shop --agent-name Birch"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ask for the project and for what to set."""
        parser.add_argument("workspace", help="the workspace's slug")
        parser.add_argument("project", help="the project's slug or id")
        parser.add_argument("--name")
        parser.add_argument("--agent-name")
        parser.add_argument("--greeting")
        parser.add_argument("--no-match-text")
        parser.add_argument(
            "--state-key",
            action="append",
            metavar="NAME[=ALIAS]",
            help="a value of the tools' state that the Handoff API shows; may be repeated",
        )
        parser.add_argument("--shared-id-state-key", metavar="NAME")
        parser.add_argument(
            "--handoff-reason",
            action="append",
            metavar="CODE[=LABEL]",
            help="a reason for handing off; repeated, they are the whole list",
        )
        parser.add_argument(
            "--allow-inline-overrides",
            action=BooleanOptionalAction,
            help="let a tool name another instance, flow or region than the saved connection has",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse a project that is not there, and texts that are too long."""
        project = _project(options["workspace"], options["project"])
        values = {name: options[name] for name in _PLAIN if options[name] is not None}
        api = {**project.handoff_api, **_handoff_api(options)}
        if api != project.handoff_api:
            values["handoff_api"] = api
        if options["handoff_reason"]:
            values["handoff_reasons"] = _reasons(options["handoff_reason"])
        for name, value in values.items():
            try:
                Project._meta.get_field(name).clean(value, project)  # type: ignore[union-attr]
            except ValidationError as error:
                raise CommandError(f"{name}: {' '.join(error.messages)}") from error
        if not values:
            raise CommandError("Nothing to set: --help lists what can be.")
        project_set(project, values)
        self.stdout.write(f"{project.slug}: set {', '.join(sorted(values))}")


def _reasons(lines: list[str]) -> list[Reason]:
    try:
        return reasons_read(lines)
    except ValueError as error:
        raise CommandError(f"--handoff-reason: {error}") from error


def _project(workspace: str, name: str) -> Project:
    found = Project.objects.filter(workspace__slug=workspace)
    project = found.filter(slug=name).first() or found.filter(public_id=name).first()
    if project is None:
        raise CommandError(f"There is no project {name} in {workspace}.")
    return project


def _handoff_api(options: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if options["state_key"]:
        try:
            found |= state_keys_read(options["state_key"])
        except ValueError as error:
            raise CommandError(f"--state-key: {error}") from error
    if options["shared_id_state_key"]:
        found["shared_id_state_key"] = options["shared_id_state_key"]
    return found
