"""Make tenants that are neighbours on one installation; prints the widget key of each as JSON.

python -m tests.bench.tenants
"""

from __future__ import annotations

import json
import os

from config.demo.environment import demo_environment_load

demo_environment_load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - needs the environment

django.setup()

from tests import factories  # noqa: E402

ANSWER = "def opening_hours(conv):\n    return 'From nine to five.'"
LOOP = "def think(conv):\n    while True:\n        pass"
TENANTS = {"quiet": ANSWER, "flood": "", "crowd": ANSWER, "looping": LOOP, "looping too": LOOP}


def tenant(source: str) -> str:
    """Make a workspace with a project that runs a tool when asked, and return its widget's key."""
    project = factories.project(no_match_text="I do not know.")
    if source:
        factories.topic(project, "When are you open?", factories.tool(project, source))
    return str(factories.channel(project).public_key)


if __name__ == "__main__":
    print(json.dumps({name: tenant(source) for name, source in TENANTS.items()}))
