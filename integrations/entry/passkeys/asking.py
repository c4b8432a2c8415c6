"""Ask a browser to show a passkey, and judge what it shows."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialType,
    UserVerificationRequirement,
)

from integrations.entry.passkeys.answers import (
    answer_read,
    challenge_of,
    check_origin,
    check_verified,
    refusing,
)
from integrations.entry.passkeys.challenges import challenge_keep, challenge_take
from integrations.entry.passkeys.refusals import PasskeyRefusedError
from integrations.entry.passkeys.relying_party import (
    own_host,
    own_origin,
    passkeys_problem,
    relying_party,
)
from integrations.models import Passkey
from integrations.projects.audit import audit_person

logger = logging.getLogger(__name__)


def passkeys_here(user: Any) -> QuerySet[Passkey]:
    """Return the user's passkeys that are good at this portal's host name."""
    return Passkey.objects.filter(user=user, host=own_host())


def host_elsewhere(user: Any) -> str:
    """Return another host name that the user has passkeys for: the portal was moved since."""
    rows = Passkey.objects.filter(user=user).exclude(host=own_host())
    return str(rows.values_list("host", flat=True).first() or "")


def descriptors(rows: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    """Return how a browser is told of passkeys that it may know."""
    return [
        PublicKeyCredentialDescriptor(
            type=PublicKeyCredentialType.PUBLIC_KEY,
            id=websafe_decode(row.credential_id),
            transports=row.transports or None,
        )
        for row in rows
    ]


def passkey_options(session: SessionBase, purpose: str, user: Any = None) -> dict[str, Any] | None:
    """Return what the browser is to be asked, and keep its challenge.

    Without a user the browser offers whatever it has for this host; None for a user without any.
    """
    rows = [*passkeys_here(user)] if user else []
    if passkeys_problem() or (user and not rows):
        return None
    options, state = relying_party().authenticate_begin(
        descriptors(rows) or None, user_verification=UserVerificationRequirement.REQUIRED
    )
    challenge_keep(session, purpose, state)
    return dict(options.public_key)


def passkey_shown(session: SessionBase, purpose: str, text: str, *, user: Any = None) -> Passkey:
    """Return the passkey that an answer proves, of this user where one is given.

    Raises PasskeyRefusedError.
    """
    answer = answer_read(AuthenticationResponse, text)
    client = answer.response.client_data
    state = challenge_take(session, purpose, challenge_of(client))
    check_origin(client)
    check_verified(answer.response.authenticator_data)
    whose = {"user": user} if user else {}
    named = {"credential_id": websafe_encode(answer.raw_id), "host": own_host()}
    row = Passkey.objects.filter(**named, **whose).select_related("user").first()
    handle = answer.response.user_handle
    if row is None or (handle and not constant_time_compare(websafe_encode(handle), row.handle)):
        raise PasskeyRefusedError("unknown")
    with refusing("wrong"):
        relying_party().authenticate_complete(
            state, [AttestedCredentialData(bytes(row.public))], answer
        )
    if not _counted(row, answer.response.authenticator_data.counter):
        logger.warning("A passkey was refused: its counter went back")
        audit_person(user=row.user, actor=None, action="passkey.copied", fields=[row.name])
        raise PasskeyRefusedError("copied")
    return row


@transaction.atomic
def _counted(row: Passkey, count: int) -> bool:
    """Note that a passkey has signed; say no where it has signed more often already."""
    kept = Passkey.objects.select_for_update().filter(pk=row.pk).first()
    if kept is None or ((count or kept.sign_count) and count <= kept.sign_count):
        return False
    kept.sign_count, kept.used_at = count, timezone.now()
    kept.save(update_fields=["sign_count", "used_at"])
    return True


def refusal_words(refusal: PasskeyRefusedError) -> str:
    """Say to whoever showed a passkey why it does not count."""
    return refusal.words(origin=own_origin(), sign_on=settings.SINGLE_SIGN_ON_NAME)
