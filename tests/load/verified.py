"""Make a seeded product verify its end users, so that their chats outlive an expired token.

Prints the channel's secret token. Salesforce gives an anonymous end user whose token has expired
no way back to the conversation, which no portal can mend.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request

from config.demo.environment import demo_environment_load

demo_environment_load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - needs the environment

django.setup()

from conversations.models import Channel  # noqa: E402
from conversations.widget.access_token import secret_hash, secret_make  # noqa: E402
from integrations.credentials.key_pairs import private_key_generate, public_pem  # noqa: E402
from integrations.models import Integration  # noqa: E402


def main(simulator_url: str) -> None:
    """Turn the demo's integration and channel to verified end users."""
    token = secret_make()
    Channel.objects.update(secret_token_hash=secret_hash(token))
    integration = Integration.objects.get(
        connector_key="salesforce_messaging", project__slug="demo-shop"
    )
    private = private_key_generate()
    key = {"jwt_key_id": "load-1", "jwt_issuer": "https://load.example", "jwt_alg": "RS256"}
    integration.credentials = {
        **integration.credentials,
        **key,
        "mode": "miaw_verified",
        "jwt_private_key": private,
        "jwt_ttl_seconds": "300",
        "anonymous_allowed": "true",
    }
    integration.save()
    register = {
        "kid": key["jwt_key_id"],
        "issuer": key["jwt_issuer"],
        "public_key_pem": public_pem(private),
    }
    request = urllib.request.Request(
        f"{simulator_url}/_desk/config",
        json.dumps({"register_key": register}).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()
    print(token)


if __name__ == "__main__":
    main(sys.argv[1])
