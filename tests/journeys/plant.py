"""Plants marked secrets in a seeded product and prints them, so that a test can look for them."""

from __future__ import annotations

import json
import secrets
import sys

from tests.load.verified import main as verify


def plant(simulator_url: str) -> dict[str, str]:
    """Store secrets of every kind; return each under its name, and the webhook's address."""
    from django.contrib.auth.models import User

    from integrations.connections.addresses import webhook_urls
    from integrations.entry.keys import api_key_create
    from integrations.models import ApiKey, Environment, Integration

    integration = Integration.objects.get(
        connector_key="salesforce_messaging", project__slug="demo-shop"
    )
    names = ("shared_secret", "key_secret", "status_webhook_secret", "status_signing_secret")
    planted = {name: f"planted-{secrets.token_hex(12)}" for name in names}
    zendesk = Integration.objects.get(
        project=integration.project, environment=Environment.SANDBOX, connector_key="zendesk"
    )
    zendesk.credentials = {**zendesk.credentials, **planted}
    zendesk.save()
    _key_row, api_key = api_key_create(
        project=integration.project,
        actor=User.objects.first(),
        name="Desktop",
        permissions=[ApiKey.Permission.HANDOFF.value],
    )
    private_key = "".join(integration.credentials["jwt_private_key"].splitlines()[2:4])
    return {
        **planted,
        "private_key": private_key,
        "api_key": api_key,
        "webhook_url": webhook_urls(zendesk)["events"],
        "project": integration.project.public_id,
        "account": integration.project.workspace.public_id,
    }


if __name__ == "__main__":
    verify(sys.argv[1])
    print(json.dumps(plant(sys.argv[1])))
