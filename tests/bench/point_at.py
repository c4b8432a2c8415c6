"""Point a seeded product's Salesforce integration at another address.

python -m tests.bench.point_at URL
"""

from __future__ import annotations

import os
import sys

from config.demo.environment import demo_environment_load

demo_environment_load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - needs the environment

django.setup()

from integrations.models import Integration  # noqa: E402

if __name__ == "__main__":
    integration = Integration.objects.get(
        connector_key="salesforce_messaging", project__slug="demo-shop"
    )
    integration.credentials = {**integration.credentials, "scrt_url": sys.argv[1]}
    integration.save()
