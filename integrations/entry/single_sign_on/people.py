"""Who a person of the provider is here: known, of a member's address, invited, or nobody."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from integrations.entry.members.invitations import invitation_accept
from integrations.entry.members.roles import BY_KEY
from integrations.entry.members.services import member_set
from integrations.entry.single_sign_on.identity import Identity
from integrations.entry.single_sign_on.refusals import SignOnRefusedError
from integrations.models import Invitation, SingleSignOnLink, Workspace
from integrations.projects.audit import audit_person


@transaction.atomic
def user_for(identity: Identity) -> Any:
    """Return the user to sign in; raises SignOnRefusedError where there is none to be."""
    domains = [one.casefold() for one in settings.SINGLE_SIGN_ON_DOMAINS]
    if domains and identity.email.rpartition("@")[2] not in domains:
        raise SignOnRefusedError("domain")
    link = SingleSignOnLink.objects.filter(issuer=identity.issuer, subject=identity.subject)
    known = link.select_related("user").first()
    user = known.user if known else _by_email(identity.email) or _newcomer(identity)
    if user is None:
        raise SignOnRefusedError("unknown", email=identity.email)
    if not user.is_active:
        raise SignOnRefusedError("inactive")
    if known is None:
        SingleSignOnLink.objects.create(user=user, issuer=identity.issuer, subject=identity.subject)
        audit_person(user=user, actor=user, action="sign_in.linked")
    return user


def _by_email(email: str) -> Any:
    users = get_user_model().objects.filter(email__iexact=email)[:2]
    if len(users) > 1:
        raise SignOnRefusedError("several")
    return users[0] if users else None


def _newcomer(identity: Identity) -> Any:
    """Make the user whom an invitation, or the installation's rule for its domains, lets in."""
    waiting = Invitation.waiting().filter(email__iexact=identity.email)
    invitations = [*waiting.select_related("workspace")]
    workspace = None if invitations else _open_workspace()
    if not invitations and workspace is None:
        return None
    user = _user_make(identity)
    for invitation in invitations:
        invitation_accept(invitation=invitation, user=user)
    if workspace is not None:
        rights = BY_KEY[settings.SINGLE_SIGN_ON_ROLE].rights
        member_set(
            workspace=workspace,
            user=user,
            is_admin=rights.is_admin,
            areas=rights.areas,  # type: ignore[arg-type]  # numbers of Access
            sees_personal_data=rights.sees_personal_data,
        )
        audit_person(user=user, actor=None, action="member.added")
    return user


def _open_workspace() -> Workspace | None:
    """Return the workspace that people of the allowed domains may join without an invitation."""
    if not (settings.SINGLE_SIGN_ON_DOMAINS and settings.SINGLE_SIGN_ON_WORKSPACE):
        return None
    return Workspace.objects.filter(slug=settings.SINGLE_SIGN_ON_WORKSPACE).first()


def _user_make(identity: Identity) -> Any:
    users = get_user_model().objects
    name = identity.email[:150]
    if users.filter(username__iexact=name).exists():
        raise SignOnRefusedError("several")
    user = users.create_user(name, identity.email)
    user.first_name, _, user.last_name = identity.name.partition(" ")
    user.set_unusable_password()
    user.save()
    return user
