"""Make a passkey for a member: what the browser is asked, and what is kept of its answer."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AuthenticatorAttachment,
    AuthenticatorData,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from integrations.entry.passkeys.answers import (
    answer_read,
    challenge_of,
    check_origin,
    check_verified,
    refusing,
    transports_in,
)
from integrations.entry.passkeys.asking import descriptors, passkeys_here
from integrations.entry.passkeys.challenges import ADD, challenge_keep, challenge_take
from integrations.entry.passkeys.refusals import PasskeyRefusedError
from integrations.entry.passkeys.relying_party import own_host, relying_party
from integrations.entry.second_factor.kinds import has_factor
from integrations.entry.second_factor.services import recovery_codes_give
from integrations.models import Passkey
from integrations.projects.audit import audit_person

PASSKEYS_MAX = 20
_HANDLE_BYTES = 32
# By the standard (WebAuthn 3, 4); the column takes as many in base64url.
_ID_BYTES_MAX = 1023


def passkey_ask(session: SessionBase, user: Any) -> dict[str, Any]:
    """Return what the browser is to be asked for a new passkey, and keep its challenge."""
    own = [*passkeys_here(user)]
    handle = own[0].handle if own else websafe_encode(secrets.token_bytes(_HANDLE_BYTES))
    options, state = relying_party().register_begin(
        PublicKeyCredentialUserEntity(
            id=websafe_decode(handle),
            name=user.get_username(),
            display_name=user.get_full_name() or user.get_username(),
        ),
        credentials=descriptors(own),
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    challenge_keep(session, ADD, {**state, "handle": handle, "user": user.pk})
    return dict(options.public_key)


def passkey_add(*, session: SessionBase, user: Any, name: str, text: str) -> list[str]:
    """Keep a new passkey; return recovery codes where it is the first factor.

    Raises PasskeyRefusedError.
    """
    answer = answer_read(RegistrationResponse, text)
    client = answer.response.client_data
    state = challenge_take(session, ADD, challenge_of(client))
    check_origin(client)
    check_verified(answer.response.attestation_object.auth_data)
    if state["user"] != user.pk:
        raise PasskeyRefusedError("late")
    party = relying_party()
    with refusing("wrong"):
        data = party.register_complete(state, answer)
    credential = data.credential_data
    if credential is None or credential.credential_id != answer.raw_id:
        raise PasskeyRefusedError("wrong")
    if len(answer.raw_id) > _ID_BYTES_MAX:
        raise PasskeyRefusedError("kind")
    if credential.public_key.get(3) not in [one.alg for one in party.allowed_algorithms]:
        raise PasskeyRefusedError("kind")
    return _kept(
        Passkey(
            user=user,
            name=name,
            host=own_host(),
            handle=state["handle"],
            credential_id=websafe_encode(credential.credential_id),
            public=bytes(credential),
            transports=transports_in(text),
            is_security_key=_is_security_key(data, answer),
            sign_count=data.counter,
        )
    )


def _kept(row: Passkey) -> list[str]:
    """Save it; return recovery codes where it is the user's first factor."""
    user = row.user
    is_first = not has_factor(user)
    if Passkey.objects.filter(user=user).count() >= PASSKEYS_MAX:
        raise PasskeyRefusedError("many")
    try:
        with transaction.atomic():
            row.save()
            audit_person(user=user, actor=user, action="passkey.added", fields=[row.name])
    except IntegrityError as error:
        raise PasskeyRefusedError("taken") from error
    return recovery_codes_give(user=user) if is_first else []


def _is_security_key(data: AuthenticatorData, answer: RegistrationResponse) -> bool:
    """Say whether it is a thing by itself, whose key is never copied: no phone, no manager."""
    is_apart = answer.authenticator_attachment == AuthenticatorAttachment.CROSS_PLATFORM
    return is_apart and not data.is_backup_eligible()
