"""The demo's data: a project whose AI agent hands over to the simulated Salesforce."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse

from config.demo import demo_file_read, demo_file_set
from conversations.agent_services import tool_create, topic_create
from conversations.channel_services import channel_create
from conversations.models import Channel
from integrations.api_keys import (
    ApiKeyForbiddenError,
    ApiKeyUnknownError,
    api_key_create,
    api_key_find,
)
from integrations.connection_test import (
    integration_test,
    integration_test_finish,
    integration_test_start,
)
from integrations.models import ApiKey, Environment, Integration, Membership, Project, Workspace
from integrations.project_services import project_create
from integrations.registry import manifest
from integrations.services import (
    integration_connect,
    integration_draft_save,
    integration_open,
)

USERNAME = "admin"
ENVIRONMENT = Environment.SANDBOX
PHRASE = "I want to talk to a human"
CONNECTOR_KEY = "salesforce_messaging"
ORG_ID = "00D8Y0000012abc"
ES_DEVELOPER_NAME = "Portal_Handoff"
# A host without a port stands for every port of it.
ORIGINS = ["127.0.0.1", "localhost"]
# What an admin declares in Salesforce, so that these routing attributes reach the live agent.
CUSTOM_PARAMETERS = {
    "PortalSessionId": "Portal_Session_Id__c",
    "Chat_Consumer_Type": "Chat_Consumer_Type__c",
}
TOOL_NAME = "transfer_to_salesforce"
TOOL = """\
def transfer_to_salesforce(conv: Conversation):
    return {
        "utterance": "No problem, I'll transfer you to one of our agents now.",
        "handoff": {"text_chat": {"salesforce_integration": {}}},
    }
"""
TOPICS: list[dict[str, Any]] = [
    {
        "name": "Talk to a human",
        "example_queries": [PHRASE, "Can I speak to a person?", "Transfer me to an agent"],
        "content": "",
        "actions": [{"kind": "run_tool", "target": TOOL_NAME, "when": "always"}],
    },
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


def demo_seed(*, port: int, simulator_url: str) -> None:
    """Bring the database up to date, make what is missing, and write var/demo.json."""
    call_command("migrate", verbosity=0, interactive=False)
    admin = _admin()
    project = _project(admin)
    channel = _channel(project, admin)
    _agent(project, admin)
    _prepare_simulator(simulator_url)
    _connect(project, admin, simulator_url)
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
        api_key=_api_key(project, admin),
        simulators={CONNECTOR_KEY: _simulator_facts(simulator_url)},
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


def _project(admin: User) -> Project:
    workspace, _ = Workspace.objects.get_or_create(slug="demo", defaults={"name": "Demo"})
    Membership.objects.get_or_create(workspace=workspace, user=admin, defaults={"is_admin": True})
    found = workspace.projects.filter(slug="demo-shop").first()
    return found or project_create(workspace=workspace, name="Demo shop", actor=admin)


def _channel(project: Project, admin: User) -> Channel:
    values = {"name": "Demo page", "environment": ENVIRONMENT, "allowed_origins": ORIGINS}
    found = project.channels.filter(name=values["name"]).first()
    return found or channel_create(project=project, actor=admin, values=values)


def _agent(project: Project, admin: User) -> None:
    if not project.tools.filter(name=TOOL_NAME).exists():
        description = "Hands the conversation to a live agent in Salesforce."
        values = {"name": TOOL_NAME, "description": description, "source": TOOL}
        tool_create(project=project, actor=admin, values=values)
    known = set(project.topics.values_list("name", flat=True))
    for topic in TOPICS:
        if topic["name"] not in known:
            topic_create(project=project, actor=admin, values=topic)


def _connect(project: Project, admin: User, simulator_url: str) -> None:
    found = manifest(CONNECTOR_KEY)
    integration = integration_open(project=project, environment=ENVIRONMENT, manifest=found)
    is_connected = integration.status == Integration.Status.CONNECTED
    if is_connected and integration.credentials.get("scrt_url") == simulator_url:
        return
    values = {item.name: item.default for item in found.fields if not item.shown_for_modes}
    values |= {
        "org_id": ORG_ID,
        "scrt_url": simulator_url,
        "es_developer_name": ES_DEVELOPER_NAME,
    }
    integration_draft_save(integration=integration, values=values)
    test = integration_test_start(integration=integration, actor=admin)
    asyncio.run(_run(test))
    integration_test_finish(test)
    integration_connect(integration=integration, actor=admin)


async def _run(test: Any) -> None:
    async for _ in integration_test(test):
        pass


def _api_key(project: Project, admin: User) -> str:
    permission = ApiKey.Permission.HANDOFF
    kept: str = demo_file_read(settings.VAR_DIR).get("api_key", "")
    try:
        api_key_find(kept, permission, project)
    except (ApiKeyUnknownError, ApiKeyForbiddenError):
        _, kept = api_key_create(
            project=project, actor=admin, name="Demo", permissions=[permission]
        )
    return kept


def _prepare_simulator(url: str) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        body = json.dumps({"custom_parameters": CUSTOM_PARAMETERS})
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/_desk/config", body=body, headers=headers)
        connection.getresponse().read()
    finally:
        connection.close()


def _simulator_facts(url: str) -> dict[str, str]:
    return {
        "url": url,
        "desk_url": f"{url}/_desk/",
        "phrase": PHRASE,
        "org_id": ORG_ID,
        "es_developer_name": ES_DEVELOPER_NAME,
    }
