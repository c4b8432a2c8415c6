"""The only writers of an integration: its draft, its credentials, its status."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from integrations.behaviour.settings import behaviour_of
from integrations.connections.destinations import live_agent_rivals
from integrations.connections.drafts import (
    Draft,
    LastTest,
    draft_of,
    draft_set,
    edited_values,
)
from integrations.connections.exclusive import exclusive_errors, exclusive_key
from integrations.connections.outcomes import fault_sentence, first_failure
from integrations.connections.registration import vendor_register, vendor_unregister
from integrations.connections.state_changes import status_compare
from integrations.connections.tokens import secrets_forget, tokens_forget
from integrations.contract.connector import CheckResult
from integrations.contract.errors import ConnectorError
from integrations.contract.manifest import FieldKind, Manifest
from integrations.contract.registry import manifest_get
from integrations.credentials.cleaning import credentials_clean, pairs_to_lines
from integrations.credentials.generated_values import kept_beside_fields, with_previous
from integrations.models import Integration, Project
from integrations.models.connection_name import DEFAULT_SET
from integrations.projects.audit import audit_record

Status = Integration.Status
_MAX_MESSAGE = 400


class DraftIncompleteError(Exception):
    """The draft cannot be connected; `errors` holds a sentence by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """Keep what is wrong with which field."""
        super().__init__("The draft is incomplete.")
        self.errors = errors


class NotTestedError(Exception):
    """The values have no passed test, and nobody said to save them anyway."""


class SetInUseError(Exception):
    """The set's name belongs to a connection of another type, which is in use."""

    def __init__(self, integration: Integration) -> None:
        """Keep whose it is."""
        super().__init__("The set is in use.")
        self.integration = integration


class DefaultInUseError(Exception):
    """Another integration must become the default first."""


def integration_open(
    *,
    project: Project,
    environment: str,
    manifest: Manifest,
    credential_set: str = DEFAULT_SET,
) -> Integration:
    """Return the row of a connection in an environment, made when it is first needed.

    A set that was begun with another connection type begins anew with this one. Raises
    SetInUseError where that one is connected, or its conversations are not over.
    """
    integration, _ = Integration.objects.get_or_create(
        project=project,
        environment=environment,
        integration_key=manifest.integration_key,
        credential_set=credential_set,
        defaults={"connector_key": manifest.key},
    )
    if integration.connector_key != manifest.key:
        if integration.status != Status.NOT_CONNECTED or integration.credentials:
            raise SetInUseError(integration)
        integration.connector_key = manifest.key
        draft_set(integration, Draft())
        integration.behaviour = {}
        integration.save(update_fields=["connector_key", "draft", "behaviour", "updated_at"])
    return integration


@transaction.atomic
def integration_draft_save(
    *,
    integration: Integration,
    values: Mapping[str, str] | None = None,
    confirmed: Iterable[int] | None = None,
) -> None:
    """Keep what was entered so far; changed values lose the test they had passed."""
    integration.lock("draft", "credentials")
    draft = draft_of(integration)
    if confirmed is not None:
        draft = draft.with_confirmed(confirmed)
    before = edited_values(integration)
    if values is not None and (merged := {**before, **values}) != before:
        draft = draft.with_values(merged)
    draft_set(integration, draft)
    integration.save(update_fields=["draft", "updated_at"])


def integration_connect(
    *, integration: Integration, actor: Any, save_anyway: bool = False
) -> Integration:
    """Make the draft the credentials in use, and tell the vendor where it must be told.

    Raises DraftIncompleteError, or NotTestedError unless `save_anyway`; the tile then says
    Needs attention with what the test found. Must not be called inside a transaction.
    """
    row = draft_use(integration=integration, actor=actor, save_anyway=save_anyway)
    return integration_register(row)


def draft_use(*, integration: Integration, actor: Any, save_anyway: bool = False) -> Integration:
    """Do the first half of integration_connect, which may be part of a transaction."""
    try:
        return _connect(integration, actor, save_anyway=save_anyway)
    except IntegrityError as error:  # somebody else has taken the inbox at this moment
        fields = manifest_get(integration.connector_key).exclusive_fields
        sentence = "Another connection has just been made to the same inbox."
        raise DraftIncompleteError(dict.fromkeys(fields[-1:], sentence)) from error


def integration_register(row: Integration) -> Integration:
    """Do the second half: tell the vendor where it must be told; outside any transaction."""
    try:
        given = vendor_register(row)
    except ConnectorError as error:
        integration_mark_refused(row, error)
        row.refresh_from_db()
        return row
    return _keep_given(row, given) if given else row


@transaction.atomic
def _keep_given(connected: Integration, given: Mapping[str, str]) -> Integration:
    """Keep what the vendor gave, unless somebody connected anew or disconnected meanwhile."""
    row = Integration.objects.select_for_update().get(pk=connected.pk)
    if row.connected_at == connected.connected_at:
        row.credentials = {**row.credentials, **given}
        row.save(update_fields=["credentials", "updated_at"])
    return row


@transaction.atomic
def _connect(integration: Integration, actor: Any, *, save_anyway: bool) -> Integration:
    row = Integration.objects.select_for_update().get(pk=integration.pk)
    manifest, draft, before = manifest_get(row.connector_key), draft_of(row), row.status
    edited = edited_values(row)
    values = dict(_complete_values(manifest, edited))
    if errors := exclusive_errors(row, manifest, values):
        raise DraftIncompleteError(errors)
    if not (draft.test and draft.test.is_ok) and not save_anyway:
        raise NotTestedError
    changed = [name for name, value in values.items() if row.credentials.get(name) != value]
    beside = kept_beside_fields(manifest, {**row.credentials, **edited})
    row.credentials = with_previous(manifest, {**beside, **values}, before=row.credentials)
    draft_set(row, Draft(test=draft.test))
    row.inbox_key = exclusive_key(manifest, values)
    row.connected_at, row.failed_probes, row.probed_at = timezone.now(), 0, None
    _set_outcome(row, manifest, draft.test)
    row.save()
    tokens_forget(row)
    _audit(row, actor, "integration.connected", changed)
    status_compare(row, before)
    return row


def integration_test_save(*, integration: Integration, results: Sequence[CheckResult]) -> None:
    """Keep a test's outcome; it decides the status if the values in use were tested."""
    with transaction.atomic():
        row = Integration.objects.select_for_update().get(pk=integration.pk)
        draft, before = draft_of(row).tested(results), row.status
        draft_set(row, draft)
        if row.is_usable and not draft.is_edited:
            _set_outcome(row, manifest_get(row.connector_key), draft.test)
        row.save()
        status_compare(row, before)


def integration_disconnect(
    *,
    integration: Integration,
    actor: Any,
    successor: Integration | None = None,
    in_use: Ids = (),
) -> None:
    """Stop using an integration; one that is still `in_use` keeps its credentials until then.

    Raises DefaultInUseError where it is the default and `successor` is not one of those left.
    """
    integration_leave(integration=integration, actor=actor, successor=successor)
    credentials_purge(in_use=in_use, project=integration.project)


@transaction.atomic
def integration_leave(
    *, integration: Integration, actor: Any, successor: Integration | None = None
) -> None:
    """Do the first half of integration_disconnect: it takes no handoffs any more."""
    integration.project.lock()  # before the row, as whoever chooses the default does
    row = Integration.objects.select_for_update().get(pk=integration.pk)
    if row.is_default and (rivals := live_agent_rivals(row)):
        if successor not in rivals:
            raise DefaultInUseError
        integration_default_set(integration=successor, is_default=True, actor=actor)
    before = row.status
    row.status, row.is_default, row.draft = Status.NOT_CONNECTED, False, {}
    row.assigned_to = []
    row.last_error_code = row.last_error_message = row.inbox_key = ""
    row.last_error_at = row.connected_at = row.last_webhook_at = None
    row.save()
    _audit(row, actor, "integration.disconnected")
    status_compare(row, before)


def credentials_purge(*, in_use: Ids, project: Project | None = None) -> int:
    """Delete the credentials of disconnected integrations but for those that are still used."""
    rows = Integration.objects.filter(status=Status.NOT_CONNECTED, connected_at=None)
    if project is not None:
        rows = rows.filter(project=project)
    unused = [row for row in rows.exclude(pk__in=in_use) if row.credentials]
    for row in unused:
        vendor_unregister(row)
        row.credentials = {}
        row.save(update_fields=["credentials", "updated_at"])
        secrets_forget(row)
    return len(unused)


@transaction.atomic
def integration_disable(*, integration: Integration, actor: Any) -> None:
    """Refuse new handoffs; open ones go on."""
    row = Integration.objects.select_for_update().get(pk=integration.pk)
    if (before := row.status) in _CONNECTED:
        row.status = Status.DISABLED
        row.save(update_fields=["status"])
        _audit(row, actor, "integration.disabled")
        status_compare(row, before)


@transaction.atomic
def integration_enable(*, integration: Integration, actor: Any) -> None:
    """Take handoffs again; an error that was there before is shown again."""
    row = Integration.objects.select_for_update().get(pk=integration.pk)
    if row.status == Status.DISABLED:
        row.status = Status.NEEDS_ATTENTION if row.last_error_code else Status.CONNECTED
        row.save(update_fields=["status", "updated_at"])
        _audit(row, actor, "integration.enabled")
        status_compare(row, Status.DISABLED)


@transaction.atomic
def integration_behaviour_save(
    *, integration: Integration, values: Mapping[str, Any], actor: Any
) -> None:
    """Store behaviour; effective at once for new handoffs."""
    integration.lock("behaviour")
    before = asdict(behaviour_of(integration))
    changed = [name for name, value in values.items() if before.get(name) != value]
    integration.behaviour = {**integration.behaviour, **values}
    integration.save(update_fields=["behaviour", "updated_at"])
    if changed:
        _audit(integration, actor, "integration.behaviour_changed", changed)


@transaction.atomic
def integration_assign(*, integration: Integration, variants: Iterable[str], actor: Any) -> None:
    """Say whose handoffs use this set where they name none; EVERY_VARIANT is of the rest."""
    integration.lock("assigned_to")
    wanted = sorted(variants)
    if sorted(integration.assigned_to) != wanted:
        integration.assigned_to = wanted
        integration.save(update_fields=["assigned_to", "updated_at"])
        _audit(integration, actor, "integration.assigned", wanted)


@transaction.atomic
def integration_default_set(*, integration: Integration, is_default: bool, actor: Any) -> None:
    """Make it the default agent system of its environment, in place of another, or no longer."""
    # Two at once must not both make theirs the one.
    integration.project.lock()
    integration.lock("is_default")
    if integration.is_default == is_default:
        return
    Integration.objects.filter(
        project=integration.project, environment=integration.environment, is_default=True
    ).update(is_default=False)
    integration.is_default = is_default
    integration.save(update_fields=["is_default", "updated_at"])
    _audit(integration, actor, "integration.default_changed", ["default_agent_system"])


def integration_mark_refused(integration: Integration, error: ConnectorError) -> None:
    """Show on the tile what a call outside a test was refused with."""
    integration_mark_failed(integration, error.code, error.message)


def integration_mark_failed(integration: Integration, code: str, detail: str) -> None:
    """Show on the tile what went wrong outside a test: an error's code, and what it brought."""
    vendor = manifest_get(integration.connector_key).name
    sentence = fault_sentence(vendor=vendor, code=code, detail=detail)
    integration_mark_needs_attention(integration, code, sentence)


@transaction.atomic
def integration_mark_needs_attention(integration: Integration, code: str, sentence: str) -> None:
    """Show a sentence on the tile; it holds no secret."""
    now = timezone.now()
    rows = Integration.objects.filter(pk=integration.pk)
    rows.filter(status__in=_CONNECTED).update(
        last_error_code=code[:40], last_error_message=sentence[:_MAX_MESSAGE], last_error_at=now
    )
    if rows.filter(status=Status.CONNECTED).update(status=Status.NEEDS_ATTENTION):
        _audit(integration, None, "integration.needs_attention")
        status_compare(rows.get(), Status.CONNECTED)


@transaction.atomic
def integration_mark_healthy(integration: Integration) -> None:
    """Note that the vendor answered as it should; the tile is green again."""
    rows = Integration.objects.filter(pk=integration.pk)
    rows.update(last_success_at=timezone.now())
    if rows.filter(status=Status.NEEDS_ATTENTION).update(
        status=Status.CONNECTED, last_error_code="", last_error_message="", last_error_at=None
    ):
        _audit(integration, None, "integration.recovered")
        status_compare(rows.get(), Status.NEEDS_ATTENTION)


# Of integrations, as a list or as a query.
Ids = Collection[int] | QuerySet[Any, Any]
_CONNECTED = (Status.CONNECTED, Status.NEEDS_ATTENTION)


def _complete_values(manifest: Manifest, values: Mapping[str, str]) -> Mapping[str, str]:
    raw = dict(values)
    for item in manifest.fields:
        if item.kind is FieldKind.KEY_VALUE:
            raw[item.name] = pairs_to_lines(raw.get(item.name, ""))
    cleaned = credentials_clean(manifest, raw, stored=values)
    if cleaned.errors:
        raise DraftIncompleteError(cleaned.errors)
    return cleaned.values


def _set_outcome(row: Integration, manifest: Manifest, test: LastTest | None) -> None:
    if test and test.is_ok:
        row.status, row.last_success_at = Status.CONNECTED, timezone.now()
        row.last_error_code = row.last_error_message = ""
        row.last_error_at = None
        return
    row.status, row.last_error_at = Status.NEEDS_ATTENTION, timezone.now()
    code, sentence = first_failure(manifest, test.checks if test else ())
    row.last_error_code, row.last_error_message = code, sentence[:_MAX_MESSAGE]


def _audit(integration: Integration, actor: Any, action: str, fields: Iterable[str] = ()) -> None:
    audit_record(
        project=integration.project,
        actor=actor,
        action=action,
        subject=str(integration),
        fields=fields,
    )
