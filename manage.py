#!/usr/bin/env python
"""Run Django's commands for Baton."""

import os
import sys


def main() -> None:
    """Hand the command line to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["demo"]:
        # Settings are read before any command runs: the demo's secrets must be there by then.
        from config.demo.environment import demo_environment_load

        demo_environment_load()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
