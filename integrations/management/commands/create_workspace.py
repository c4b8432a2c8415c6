"""Make a workspace, with its first admin."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug

from integrations.entry.members.services import member_set
from integrations.projects.services import workspace_create


class Command(BaseCommand):
    """May be repeated: a workspace that exists stays, and gets the admin as well."""

    help = "Make a workspace: create_workspace birchline --name Birchline --admin mira"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ask for slug, name and the admin's user name."""
        parser.add_argument("slug", help="short name in addresses, such as birchline")
        parser.add_argument("--name", help="as people read it; the slug where none is given")
        parser.add_argument("--admin", help="user name of an admin; make one with createsuperuser")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse an unknown user before anything is made."""
        slug = options["slug"]
        try:
            validate_slug(slug)
        except ValidationError as error:
            raise CommandError(f"{slug} is no slug: letters, digits, - and _ only.") from error
        admin = User.objects.filter(username=options["admin"]).first()
        if options["admin"] and admin is None:
            raise CommandError(f"There is no user {options['admin']}: createsuperuser makes one.")
        workspace = workspace_create(slug=slug, name=options["name"] or slug)
        if admin is not None:
            member_set(workspace=workspace, user=admin, is_admin=True, areas={})
        self.stdout.write(f"{workspace.slug}  {workspace.public_id}  {workspace.name}")
