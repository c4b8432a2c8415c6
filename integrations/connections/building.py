"""Builds ready connectors: the only place where credentials leave their encrypted column."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from integrations.connections.pauses import StoredPauses
from integrations.connections.tokens import RunSync, StoredTokens
from integrations.contract.connector import Connector, TokenCache
from integrations.contract.manifest import Manifest
from integrations.contract.registry import connector_class, manifest_get
from integrations.credentials.generated_values import secrets_in
from integrations.http.client import HttpClient, Session, open_session
from integrations.http.recording import Recorder, recorder_with_metrics
from integrations.http.route import Route
from integrations.kit.waiting import PauseStore
from integrations.models import Integration


def vendor_session() -> Session:
    """Make a session that reaches vendors the way the settings say, on the loop that uses it."""
    return open_session(allow_local=settings.ALLOW_LOCAL_VENDORS, route=vendor_route())


def vendor_route() -> Route:
    """Return how the settings want vendors to be reached."""
    return Route(
        proxy=settings.VENDOR_PROXY,
        no_proxy=settings.VENDOR_NO_PROXY,
        ca_bundle=settings.VENDOR_CA_BUNDLE,
    )


def connector_build(
    integration: Integration,
    *,
    session: Session,
    run_sync: RunSync,
    recorder: Recorder | None = None,
) -> Connector:
    """Return the connector of a saved integration, with tokens shared by all workers."""
    return connector_with(
        manifest_get(integration.connector_key),
        credentials=integration.credentials,
        session=session,
        tokens=StoredTokens(integration_id=integration.pk, run_sync=run_sync),
        recorder=recorder,
        pauses=StoredPauses(integration.connector_key),
    )


def connector_with(
    manifest: Manifest,
    *,
    credentials: Mapping[str, str],
    session: Session,
    tokens: TokenCache,
    recorder: Recorder | None = None,
    pauses: PauseStore | None = None,
) -> Connector:
    """Return a connector for credentials that may not be saved yet."""
    http = HttpClient(
        session,
        allow_local=settings.ALLOW_LOCAL_VENDORS,
        recorder=recorder_with_metrics(manifest.key, recorder),
        loggable_keys=manifest.loggable_keys,
        secrets=secrets_in(manifest, credentials),
        pauses=pauses,
    )
    return connector_class(manifest.key)(credentials=credentials, http=http, tokens=tokens)
