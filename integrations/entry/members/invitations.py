"""Invite people to a workspace by a link that is signed, ends after 7 days and is never stored."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from integrations.entry.members.roles import Rights
from integrations.entry.members.services import member_set
from integrations.models import Invitation, Membership, Workspace
from integrations.models.invitation import VALID
from integrations.projects.audit import audit_record
from integrations.telemetry.mail import mail_send

_SIGNER = signing.Signer(salt="integrations.entry.members.invitations")


def invitation_link(invitation: Invitation) -> str:
    """Return the address that accepts it; the same each time, so that an older mail stays good."""
    token = _SIGNER.sign(invitation.public_id)
    return f"{settings.PUBLIC_URL}{reverse('invitation_accept', args=[token])}"


def invitation_find(token: str) -> Invitation | None:
    """Return the invitation of a link, in whatever state; None for a link that we never made."""
    try:
        public_id = _SIGNER.unsign(token)
    except signing.BadSignature:
        return None
    rows = Invitation.objects.select_related("workspace", "invited_by")
    return rows.filter(public_id=public_id).first()


@transaction.atomic
def invitation_make(
    *, workspace: Workspace, email: str, rights: Rights, note: str, actor: Any
) -> Invitation:
    """Invite an address; raises ValidationError where it is a member, or invited, already."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    if Membership.objects.filter(workspace=workspace, user__email__iexact=email).exists():
        raise ValidationError("Somebody with this e-mail address is a member already.")
    waiting = workspace.invitations.filter(
        email__iexact=email, accepted_at__isnull=True, revoked_at__isnull=True
    )
    if waiting.filter(expires_at__gt=timezone.now()).exists():
        raise ValidationError("This address is invited already: send that one again.")
    waiting.update(revoked_at=timezone.now())
    invitation = Invitation.objects.create(
        workspace=workspace,
        email=email.casefold(),
        note=note,
        invited_by=actor,
        expires_at=timezone.now() + VALID,
        **rights.as_fields(),
    )
    _record(invitation, actor, "invitation.made")
    return invitation


@transaction.atomic
def invitation_renew(*, invitation: Invitation, actor: Any) -> Invitation:
    """Give it 7 new days, never fewer than it had; raises ValidationError once it is over."""
    row = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if row.accepted_at or row.revoked_at:
        raise ValidationError("This invitation was accepted or revoked: make a new one.")
    row.expires_at = max(row.expires_at, timezone.now() + VALID)
    row.save(update_fields=["expires_at"])
    _record(row, actor, "invitation.renewed")
    return row


@transaction.atomic
def invitation_revoke(*, invitation: Invitation, actor: Any) -> None:
    """End an invitation that nobody has accepted; its link leads nowhere from now on."""
    row = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if row.accepted_at is None and row.revoked_at is None:
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
        _record(row, actor, "invitation.revoked")


@transaction.atomic
def invitation_accept(*, invitation: Invitation, user: Any) -> Membership:
    """Make the user a member; raises ValidationError where the invitation is over or another's."""
    row = Invitation.objects.select_for_update().get(pk=invitation.pk)
    state = row.state(timezone.now())
    if state != "waiting":
        raise ValidationError(f"This invitation is {state}. Ask whoever sent it for a new one.")
    if (user.email or "").casefold() != row.email.casefold():
        raise ValidationError(
            "This invitation was sent to another e-mail address than your account has."
        )
    row.accepted_at = timezone.now()
    row.save(update_fields=["accepted_at"])
    existing = Membership.objects.filter(workspace=row.workspace, user=user).first()
    if existing is not None:
        return existing
    _record(row, user, "invitation.accepted")
    return member_set(
        workspace=row.workspace,
        user=user,
        is_admin=row.is_admin,
        areas=row.areas,
        sees_personal_data=row.sees_personal_data,
    )


def user_with_email(email: str) -> Any:
    """Return the one active user of an e-mail address; None where there is none, or several."""
    users = get_user_model().objects.filter(email__iexact=email, is_active=True)[:2]
    return users[0] if len(users) == 1 else None


def invitation_mail(invitation: Invitation) -> None:
    """Send the link; raises OSError (or smtplib's kinds of it) when the mail server does not."""
    by = invitation.invited_by
    about = [
        f"{by.get_full_name() or by.get_username() if by else 'An admin'} invites you to "
        f"{invitation.workspace.name} in Baton.",
        invitation.note,
        f"Accept within 7 days:\n{invitation_link(invitation)}",
        "Whoever has this link can accept it. If you expected no invitation, delete this mail.",
    ]
    mail_send(
        to=[invitation.email],
        subject=f"You are invited to {invitation.workspace.name}",
        body="\n\n".join(part for part in about if part) + "\n",
    )
    Invitation.objects.filter(pk=invitation.pk).update(sent_at=timezone.now())


def _record(invitation: Invitation, actor: Any, action: str) -> None:
    audit_record(
        project=None,
        workspace=invitation.workspace,
        actor=actor,
        action=action,
        subject=invitation.public_id,
    )
