"""Make projects whose AI agent answers in each way; prints what the bench needs as JSON.

python -m tests.bench.turn_tenants AGENT_URL CONVERSATIONS_EACH
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from config.demo.environment import demo_environment_load

demo_environment_load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - needs the environment

django.setup()

from conversations.models import OutsideAgent  # noqa: E402
from tests import factories  # noqa: E402
from tests.bench.neighbour_sessions import QUESTION  # noqa: E402
from tests.bench.turn_floor import ANSWER  # noqa: E402

PROJECTS = 4
TOOL = f"def opening_hours(conv):\n    return {ANSWER!r}"


def tenant(kind: str, agent_url: str, number: int) -> dict[str, Any]:
    """Make a project and conversations that the floor may write to."""
    project = factories.project()
    if kind == "topic":
        factories.topic(project, QUESTION, content=ANSWER)
    elif kind == "tool":
        factories.topic(project, QUESTION, factories.tool(project, TOOL))
    else:
        OutsideAgent.objects.create(
            project=project, kind="webhook", url=agent_url, secrets={"signing_secret": "whsec_b"}
        )
    channel = factories.channel(project)
    conversations = [factories.conversation(channel).pk for _ in range(number)]
    key = str(channel.public_key)
    return {"key": key, "project": project.pk, "conversations": conversations}


if __name__ == "__main__":
    agent_url, number = sys.argv[1], int(sys.argv[2])
    kinds = ("topic", "tool", "webhook")
    made = {kind: [tenant(kind, agent_url, number) for _ in range(PROJECTS)] for kind in kinds}
    print(json.dumps(made))
