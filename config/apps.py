"""Make config an application, so that its commands are found."""

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class ConfigConfig(AppConfig):
    """Holds the commands that start the whole product."""

    name = "config"

    def ready(self) -> None:
        """Register the system checks."""
        from config import checks  # noqa: F401 - registering is the effect


class GuardedAdminConfig(SimpleAdminConfig):
    """Django's admin, behind the portal's own sign-in."""

    default_site = "config.admin_site.GuardedAdminSite"
