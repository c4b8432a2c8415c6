"""Give a user rights in a workspace."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from integrations.entry.members.services import member_set
from integrations.models import Access, Area, Workspace


class Command(BaseCommand):
    """Replaces the rights that the user had there before."""

    help = "Give rights: add_member birchline noor --read integrations --edit tools, or --admin"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ask for workspace, user and rights."""
        areas = [area.value for area in Area]
        parser.add_argument("workspace", help="the workspace's slug")
        parser.add_argument("username", help="made if there is none, without a password")
        parser.add_argument("--admin", action="store_true", help="may edit every area")
        parser.add_argument("--read", nargs="*", choices=areas, default=[], metavar="AREA")
        parser.add_argument("--edit", nargs="*", choices=areas, default=[], metavar="AREA")

        parser.add_argument(
            "--personal-data",
            action="store_true",
            help="may see what people wrote and what they are called",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """An area in both lists may be edited."""
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']}: create_workspace.")
        user, is_new = User.objects.get_or_create(username=options["username"])
        if is_new:
            user.set_unusable_password()
            user.save()
        areas = dict.fromkeys(options["read"], Access.READ)
        areas |= dict.fromkeys(options["edit"], Access.EDIT)
        member_set(
            workspace=workspace,
            user=user,
            is_admin=options["admin"],
            areas=areas,
            sees_personal_data=options["personal_data"],
        )
        rights = ", ".join(f"{area} {access.name.lower()}" for area, access in areas.items())
        self.stdout.write(
            f"{user.username} in {workspace.slug}: {'admin' if options['admin'] else rights}"
        )
        if not user.has_usable_password():
            self.stdout.write(f"Now set a password: manage.py changepassword {user.username}")
