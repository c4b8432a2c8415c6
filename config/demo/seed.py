"""The demo's data: a project whose AI agent hands over to every simulated vendor."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse

from config.demo.connecting import demo_connect, demo_connect_carrier
from config.demo.start import demo_file_read, demo_file_set
from config.demo.vendors import demo_carriers, demo_vendors
from conversations.ai_agent.runtimes.kinds import API, kind_of
from conversations.ai_agent.runtimes.services import outside_agent_save
from conversations.ai_agent.services import tool_create, topic_create
from conversations.models import Channel
from conversations.widget.channels import channel_create
from integrations.contract.registry import manifest_get
from integrations.entry.keys import (
    ApiKeyForbiddenError,
    ApiKeyUnknownError,
    api_key_create,
    api_key_find,
)
from integrations.models import ApiKey, Environment, Membership, Project, Workspace
from integrations.projects.services import project_create
from integrations.simulators.demo import DemoVendor

USERNAME = "admin"
NAME, OUTSIDE_NAME = "Demo shop", "Demo shop, outside agent"
ENVIRONMENT = Environment.SANDBOX
# A host without a port stands for every port of it.
ORIGINS = ["127.0.0.1", "localhost"]
TOOL = """\
def {name}(conv: Conversation):
    return {{
        "utterance": "No problem, I'll transfer you to one of our agents now.",
        "handoff": {{"text_chat": {{"{integration_key}": {routing}}}}},
    }}
"""
TOPICS: list[dict[str, Any]] = [
    {
        "name": "Opening hours",
        "example_queries": [
            "When are you open?",
            "What are your opening hours?",
            "Open on Sunday?",
        ],
        "content": "We are open from Monday to Saturday, 9:00 to 18:00.",
        "actions": [],
    },
    {
        "name": "Returns",
        "example_queries": ["How do I return an item?", "I want my money back", "Return policy"],
        "content": "You can return anything within 30 days. The label is in the parcel.",
        "actions": [],
    },
]


def demo_seed(*, port: int, simulator_urls: Mapping[str, str]) -> None:
    """Bring the database up to date, make what is missing, and write var/demo.json."""
    call_command("migrate", verbosity=0, interactive=False)
    admin = _admin()
    project = _project(admin)
    channel = _channel(project, admin)
    _agent(project, admin)
    simulators = {
        key: demo_connect(project, admin, key=key, url=url)
        for key, url in simulator_urls.items()
        if key in demo_vendors()
    }
    for key, carrier in demo_carriers().items():
        if url := simulator_urls.get(key):
            simulators[carrier.name] = demo_connect_carrier(project, admin, key=key, url=url)
    base_url = f"http://127.0.0.1:{port}"
    demo_file_set(
        settings.VAR_DIR,
        base_url=base_url,
        widget_page=base_url + reverse("widget_page", args=[channel.public_key]),
        admin={
            "url": f"{base_url}/",
            "username": USERNAME,
            "password": os.environ["BATON_DEMO_PASSWORD"],
        },
        workspace_id=project.workspace.public_id,
        project_id=project.public_id,
        webchat={"public_key": channel.public_key, "host": f"127.0.0.1:{port}"},
        chat_api={"x_token": channel.public_key, "handoff_mode": channel.handoff_mode},
        api_key=_api_key(project, admin, demo_file_read(settings.VAR_DIR).get("api_key", "")),
        outside_agent=_outside_agent(admin, port=port, simulator_urls=simulator_urls),
        simulators=simulators,
        processes={},
    )


def _admin() -> User:
    user, is_new = User.objects.get_or_create(
        username=USERNAME, defaults={"is_staff": True, "is_superuser": True}
    )
    password = os.environ["BATON_DEMO_PASSWORD"]
    if is_new or not user.check_password(password):
        user.set_password(password)
        user.save()
    return user


def _outside_agent(admin: User, *, port: int, simulator_urls: Mapping[str, str]) -> dict[str, Any]:
    """Make the project whose AI agent somebody drives by REST, and return what they need."""
    project = _project(admin, OUTSIDE_NAME)
    channel = _channel(project, admin)
    kind = kind_of(API)
    assert kind is not None
    outside_agent_save(
        project=project, actor=admin, kind=kind, url="", options={}, typed_secrets={}
    )
    plain = next(key for key, vendor in demo_vendors().items() if vendor.is_plain)
    if plain in simulator_urls:
        demo_connect(project, admin, key=plain, url=simulator_urls[plain])
    kept = demo_file_read(settings.VAR_DIR).get("outside_agent", {}).get("api_key", "")
    return {
        "project_id": project.public_id,
        "webchat": {"public_key": channel.public_key, "host": f"127.0.0.1:{port}"},
        "api_key": _api_key(project, admin, kept),
    }


def _project(admin: User, name: str = NAME) -> Project:
    workspace, _ = Workspace.objects.get_or_create(slug="demo", defaults={"name": "Demo"})
    Membership.objects.get_or_create(workspace=workspace, user=admin, defaults={"is_admin": True})
    found = workspace.projects.filter(name=name).first()
    return found or project_create(workspace=workspace, name=name, actor=admin)


def _channel(project: Project, admin: User) -> Channel:
    values: dict[str, Any] = {"name": "Demo page", "environment": ENVIRONMENT}
    values |= {"allowed_origins": ORIGINS, "allows_apps": True}
    found = project.channels.filter(name=values["name"]).first()
    return found or channel_create(project=project, actor=admin, values=values)


def vendor_topics() -> dict[str, dict[str, Any]]:
    """Return, by connector key, the topic that leads to a vendor's live agents."""
    return {key: _vendor_topic(key, vendor) for key, vendor in demo_vendors().items()}


def _agent(project: Project, admin: User) -> None:
    known = set(project.topics.values_list("name", flat=True))
    topics = vendor_topics()
    for key, topic in topics.items():
        if topic["name"] not in known:
            _tool(project, admin, key, name=topic["actions"][0]["target"])
    vendors = list(topics.values())
    # The first of two topics that match alike is taken: the plain one comes before everything.
    for topic in [*vendors[:1], *TOPICS, *vendors[1:]]:
        if topic["name"] not in known:
            topic_create(project=project, actor=admin, values=topic)


def _tool(project: Project, admin: User, key: str, *, name: str) -> None:
    if project.tools.filter(name=name).exists():
        return
    found = manifest_get(key)
    routing = json.dumps(dict(demo_vendors()[key].hints))
    source = TOOL.format(name=name, integration_key=found.integration_key, routing=routing)
    description = f"Hands the conversation to a live agent in {found.name}."
    values = {"name": name, "description": description, "source": source}
    tool_create(project=project, actor=admin, values=values)


def _vendor_topic(key: str, vendor: DemoVendor) -> dict[str, Any]:
    # Not the name that the guides give a tool: who pastes one of theirs finds its name free.
    tool_name = f"demo_handoff_to_{key}"
    at = "" if vendor.is_plain else f" at {vendor.title}"
    return {
        "name": f"Talk to a human{at}",
        "example_queries": [
            vendor.phrase,
            f"Can I speak to a person{at}?",
            f"Transfer me to an agent{at}",
        ],
        "content": "",
        "actions": [{"kind": "run_tool", "target": tool_name, "when": "always"}],
    }


def _api_key(project: Project, admin: User, kept: str) -> str:
    """Return a key that may do everything; one of an older demo that may not is replaced."""
    try:
        for permission in ApiKey.Permission.values:
            api_key_find(kept, permission, project)
    except (ApiKeyUnknownError, ApiKeyForbiddenError):
        _, kept = api_key_create(
            project=project, actor=admin, name="Demo", permissions=ApiKey.Permission.values
        )
    return kept
