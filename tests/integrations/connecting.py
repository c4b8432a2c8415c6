"""What the tests of the Connect flow share: addresses, values, and a way through it."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from integrations.models import Integration, Project
from tests.factories import DEVELOPER_NAME, ORG_ID

KEY = "salesforce_messaging"


def address(project: Project, name: str, environment: str = "sandbox") -> str:
    """Return the address of a page of the Salesforce tile."""
    return reverse(name, args=[project.public_id, environment, KEY])


def salesforce_values(url: str, **changes: Any) -> dict[str, str]:
    """Return what an admin types for the simulator's org."""
    return {
        "mode": "miaw",
        "org_id": ORG_ID,
        "scrt_url": url,
        "es_developer_name": DEVELOPER_NAME,
        "routing_attributes": "",
        "session_attribute_name": "PortalSessionId",
        "consumer_type_attribute": "Chat_Consumer_Type",
        **changes,
    }


def enter(client: Client, project: Project, values: dict[str, str]) -> Any:
    """Send the form of the step From vendor."""
    return client.post(address(project, "connect_values"), values)


def run_test(client: Client, project: Project) -> list[dict[str, Any]]:
    """Run Test connection without a script, and return the stored checks."""
    client.post(address(project, "connect_test_run"))
    return the_integration(project).draft["test"]["checks"]


def save(client: Client, project: Project, **data: str) -> Any:
    """Press Connect, or Save anyway with `save_anyway="1"`."""
    return client.post(address(project, "connect_save"), data, follow=True)


def connect(client: Client, project: Project, values: dict[str, str]) -> Integration:
    """Go the whole way from the form to a connected tile."""
    enter(client, project, values)
    run_test(client, project)
    save(client, project)
    return the_integration(project)


def the_integration(project: Project) -> Integration:
    """Return the one integration of a project."""
    return Integration.objects.get(project=project)
