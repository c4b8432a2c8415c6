"""Set up, use, renew and take away a member's second factor."""

from __future__ import annotations

import hmac
import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from integrations.entry.second_factor import codes
from integrations.models import Membership, SecondFactor
from integrations.projects.audit import audit_person
from integrations.telemetry.mail import mail_is_set_up, mail_send

logger = logging.getLogger(__name__)
APP, RECOVERY = "app", "recovery code"


def factor_of(user: Any) -> SecondFactor | None:
    """Return the user's confirmed factor."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()


def factor_is_required(user: Any) -> bool:
    """Say whether a workspace asks its members, of whom the user is one, for a second factor."""
    asking = Membership.objects.filter(user=user, workspace__requires_second_factor=True)
    return asking.exists()


@transaction.atomic
def factor_begin(*, user: Any) -> SecondFactor:
    """Return the factor that is to be confirmed, with the same key until it is."""
    secrets: dict[str, Any] = {"key": codes.key_make(), "recovery": []}
    rows: Any = SecondFactor.objects.select_for_update()
    row: SecondFactor = rows.get_or_create(user=user, defaults={"secrets": secrets})[0]
    return row


@transaction.atomic
def factor_confirm(*, user: Any, code: str) -> list[str]:
    """Take the app's first code and return the recovery codes; raises ValidationError."""
    row = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
    if row is None:
        raise ValidationError("There is nothing to confirm: begin the set-up again.")
    step = codes.step_of(row.secrets["key"], codes.plain(code))
    if step is None:
        raise ValidationError(
            "This is not the code that the app shows now. Wait for the next one, and set the "
            "phone’s clock by the network."
        )
    row.confirmed_at, row.last_step = timezone.now(), step
    made = _recovery_codes_give(row)
    row.save()
    audit_person(user=user, actor=user, action="second_factor.set_up")
    return made


@transaction.atomic
def factor_use(*, user: Any, code: str) -> str:
    """Take a code once; return APP or RECOVERY, and nothing for a code that is not good."""
    row = SecondFactor.objects.select_for_update().filter(user=user).first()
    if row is None or row.confirmed_at is None:
        return ""
    used = _by_app(row, codes.plain(code)) or _by_recovery(row, code)
    if used:
        row.used_at = timezone.now()
        row.save()
    if used == RECOVERY:
        audit_person(user=user, actor=user, action="second_factor.recovery_code_used")
    return used


@transaction.atomic
def recovery_codes_renew(*, user: Any) -> list[str]:
    """Return new recovery codes in place of those that are left; none without a factor."""
    row = SecondFactor.objects.select_for_update().filter(user=user).first()
    if row is None or row.confirmed_at is None:
        return []
    made = _recovery_codes_give(row)
    row.save()
    audit_person(user=user, actor=user, action="second_factor.codes_renewed")
    return made


@transaction.atomic
def factor_remove(*, user: Any, actor: Any) -> bool:
    """Take a user's factor away, by themselves or by who resets a lost one; say if there was."""
    gone, _ = SecondFactor.objects.filter(user=user).delete()
    if not gone:
        return False
    deed = "turned_off" if actor == user else "reset"
    audit_person(user=user, actor=actor, action=f"second_factor.{deed}")
    transaction.on_commit(lambda: _tell_removed(user, actor))
    return True


def recovery_codes_left(row: SecondFactor) -> int:
    """Return how many recovery codes have not been used."""
    return len(row.secrets.get("recovery", []))


def _by_app(row: SecondFactor, code: str) -> str:
    step = codes.step_of(row.secrets["key"], code)
    if step is None or step <= row.last_step:
        return ""
    row.last_step = step
    return APP


def _by_recovery(row: SecondFactor, code: str) -> str:
    given = codes.recovery_hash(code)
    left = [one for one in row.secrets["recovery"] if not hmac.compare_digest(one, given)]
    if len(left) == len(row.secrets["recovery"]):
        return ""
    row.secrets = {**row.secrets, "recovery": left}
    return RECOVERY


def _recovery_codes_give(row: SecondFactor) -> list[str]:
    made = codes.recovery_codes_make()
    row.secrets = {**row.secrets, "recovery": [codes.recovery_hash(code) for code in made]}
    return made


def _tell_removed(user: Any, actor: Any) -> None:
    """Mail the member, where mail is set up: a factor that somebody else took away is news."""
    if not user.email or not mail_is_set_up():
        return
    by = "You" if actor == user else "Baton’s operator"
    if actor is not None and actor != user:
        by = actor.get_full_name() or actor.get_username()
    body = (
        f"{by} took the second factor of your account {user.get_username()} in Baton away. Its "
        "app and its recovery codes are good no longer.\n\nIf you did not ask for this, change "
        f"your password and tell an admin:\n{settings.PUBLIC_URL}/account/\n"
    )
    try:
        mail_send(to=[user.email], subject="Your second factor in Baton was removed", body=body)
    except OSError as error:
        logger.warning("A member was not told of the lost factor: %s", type(error).__name__)
