"""A project, who looks at it, and a simulated Salesforce."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from integrations.models import Project
from integrations.simulators.simulator import running_simulator
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from tests import factories
from tests.members import client_of_admin, client_of_reader


@pytest.fixture
def project(db: None) -> Project:
    return factories.project()


@pytest.fixture
def admin(project: Project) -> Client:
    return client_of_admin(project)


@pytest.fixture
def reader(project: Project) -> Client:
    return client_of_reader(project)


@pytest.fixture
def salesforce() -> SalesforceMessagingSimulator:
    return SalesforceMessagingSimulator()


@pytest.fixture
def salesforce_url(salesforce: SalesforceMessagingSimulator) -> Iterator[str]:
    with running_simulator(salesforce) as url:
        yield url


@pytest.fixture(scope="session")
def private_pem() -> str:
    """An RSA key as an admin pastes it."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture
def async_admin(project: Project) -> AsyncClient:
    user = project.workspace.members.create(
        user=User.objects.create_user("async-admin"), is_admin=True
    ).user
    client = AsyncClient()
    client.force_login(user)
    return client
