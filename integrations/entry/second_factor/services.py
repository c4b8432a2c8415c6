"""Set up, use, renew and take away a member's app and recovery codes; take every factor away."""

from __future__ import annotations

import hmac
import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from integrations.entry.second_factor import codes
from integrations.entry.second_factor.kinds import has_factor
from integrations.models import Membership, Passkey, SecondFactor
from integrations.projects.audit import audit_person
from integrations.telemetry.mail import mail_is_set_up, mail_send

logger = logging.getLogger(__name__)
APP, RECOVERY = "app", "recovery code"


def factor_of(user: Any) -> SecondFactor | None:
    """Return the user's app, once it is confirmed."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()


def factor_is_required(user: Any) -> bool:
    """Say whether a workspace asks its members, of whom the user is one, for a second factor."""
    asking = Membership.objects.filter(user=user, workspace__requires_second_factor=True)
    return asking.exists()


@transaction.atomic
def factor_begin(*, user: Any) -> None:
    """Make the key of an app that is to be confirmed; it stays the same until it is."""
    row = _row_of(user)
    if "key" not in row.secrets:
        row.secrets = {**row.secrets, "key": codes.key_make()}
        row.save()


def factor_begun(user: Any) -> SecondFactor | None:
    """Return what was begun and is to be confirmed."""
    row = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    return row if row and "key" in row.secrets else None


@transaction.atomic
def factor_confirm(*, user: Any, code: str) -> list[str]:
    """Take the app's first code and return the recovery codes; raises ValidationError."""
    row = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
    if row is None or "key" not in row.secrets:
        raise ValidationError("There is nothing to confirm: begin the set-up again.")
    step = codes.step_of(row.secrets["key"], codes.plain(code))
    if step is None:
        raise ValidationError(
            "This is not the code that the app shows now. Wait for the next one, and set the "
            "phone’s clock by the network."
        )
    row.confirmed_at, row.last_step = timezone.now(), step
    made = _recovery_codes_put(row)
    row.save()
    audit_person(user=user, actor=user, action="second_factor.set_up")
    return made


@transaction.atomic
def factor_use(*, user: Any, code: str) -> str:
    """Take a code once; return APP or RECOVERY, and nothing for a code that is not good."""
    row = SecondFactor.objects.select_for_update().filter(user=user).first()
    if row is None:
        return ""
    used = _by_app(row, codes.plain(code)) or _by_recovery(row, code)
    if used:
        row.used_at = timezone.now()
        row.save()
    if used == RECOVERY:
        audit_person(user=user, actor=user, action="second_factor.recovery_code_used")
    return used


@transaction.atomic
def recovery_codes_give(*, user: Any) -> list[str]:
    """Return recovery codes, in place of those that are left."""
    row = _row_of(user)
    made = _recovery_codes_put(row)
    row.save()
    return made


@transaction.atomic
def recovery_codes_renew(*, user: Any) -> list[str]:
    """Return new recovery codes in place of those that are left; none without a factor."""
    if not has_factor(user):
        return []
    made = recovery_codes_give(user=user)
    audit_person(user=user, actor=user, action="second_factor.codes_renewed")
    return made


@transaction.atomic
def app_remove(*, user: Any) -> bool:
    """Take the user's app away, at their own wish; say if there was one."""
    row = SecondFactor.objects.select_for_update().filter(user=user).first()
    if row is None or row.confirmed_at is None:
        return False
    row.confirmed_at, row.used_at = None, None
    row.secrets = {"recovery": row.secrets["recovery"]}
    row.save()
    recovery_codes_end(user=user)
    audit_person(user=user, actor=user, action="second_factor.turned_off")
    transaction.on_commit(lambda: tell_removed(user, user))
    return True


def recovery_codes_end(*, user: Any) -> None:
    """Forget the recovery codes of a user who has no factor any more that they could replace."""
    if not has_factor(user):
        SecondFactor.objects.filter(user=user).delete()


@transaction.atomic
def factors_reset(*, user: Any, actor: Any) -> bool:
    """Take every factor of a user away, for one who has lost them; say if there were."""
    had = has_factor(user)
    SecondFactor.objects.filter(user=user).delete()
    Passkey.objects.filter(user=user).delete()
    if had:
        audit_person(user=user, actor=actor, action="second_factor.reset")
        transaction.on_commit(lambda: tell_removed(user, actor))
    return had


def recovery_codes_left(user: Any) -> int:
    """Return how many recovery codes have not been used."""
    row = SecondFactor.objects.filter(user=user).first()
    return len(row.secrets.get("recovery", [])) if row else 0


def _row_of(user: Any) -> SecondFactor:
    """Return the row of the user's secrets, locked."""
    rows: Any = SecondFactor.objects.select_for_update()
    row: SecondFactor = rows.get_or_create(user=user, defaults={"secrets": {"recovery": []}})[0]
    return row


def _by_app(row: SecondFactor, code: str) -> str:
    if row.confirmed_at is None:
        return ""
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


def _recovery_codes_put(row: SecondFactor) -> list[str]:
    made = codes.recovery_codes_make()
    row.secrets = {**row.secrets, "recovery": [codes.recovery_hash(code) for code in made]}
    return made


def tell_removed(user: Any, actor: Any) -> None:
    """Mail the member, where mail is set up: a factor that is gone is news."""
    if not user.email or not mail_is_set_up():
        return
    by = "You" if actor == user else "Baton’s operator"
    if actor is not None and actor != user:
        by = actor.get_full_name() or actor.get_username()
    body = (
        f"{by} took a second factor of your account {user.get_username()} in Baton away. What is "
        "left is on your account page.\n\nIf you did not ask for this, change "
        f"your password and tell an admin:\n{settings.PUBLIC_URL}/account/\n"
    )
    try:
        mail_send(
            to=[user.email], subject="A second factor of yours in Baton was removed", body=body
        )
    except OSError as error:
        logger.warning("A member was not told of the lost factor: %s", type(error).__name__)
