"""Where members are signed in: noted when they sign in, listed, and ended."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from integrations.entry.client_address import client_address
from integrations.entry.sessions.devices import device_words
from integrations.entry.sessions.looking_again import sockets_look_again
from integrations.models import PortalSession
from integrations.projects.audit import audit_person
from integrations.projects.proofs import ENDED_AFTER, SEEN_AT, SIGNED_OUT, WAY, mark_confirmed


def session_begin(sender: object, request: HttpRequest, user: Any, **more: Any) -> None:
    """Note a session that begins, and forget those of the user that nobody can use any more."""
    session = request.session
    if session.session_key is None:
        session.create()
    mark_confirmed(session)
    session[SEEN_AT] = int(time.time())
    for mark in (ENDED_AFTER, SIGNED_OUT):
        session.pop(mark, None)
    now = timezone.now()
    over = now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    PortalSession.objects.filter(user=user, seen_at__lt=over).delete()
    PortalSession.objects.update_or_create(
        session_key=session.session_key,
        defaults={
            "user": user,
            "device": device_words(request.META.get("HTTP_USER_AGENT", "")),
            "address": client_address(request)[:60],
            "way": session.get(WAY, "password"),
            "seen_at": now,
        },
    )


user_logged_in.connect(session_begin, dispatch_uid="session_begin")


def session_over(sender: object, request: HttpRequest, user: Any, **more: Any) -> None:
    """Forget a session whose member signs out; what its other tabs keep open ends too."""
    PortalSession.objects.filter(session_key=request.session.session_key).delete()
    if user is not None:
        sockets_look_again([user.pk])


user_logged_out.connect(session_over, dispatch_uid="session_over")


def sessions_of(user: Any) -> QuerySet[PortalSession]:
    """Return where a user is signed in now, the newest first."""
    living = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    return PortalSession.objects.filter(user=user, session_key__in=living)


def session_end(*, row: PortalSession, actor: Any) -> None:
    """Sign a browser out; its next page, and its socket, find nobody."""
    _end(PortalSession.objects.filter(pk=row.pk))
    audit_person(user=row.user, actor=actor, action="session.ended", fields=[row.device])


def sessions_end_others(*, user: Any, session_key: str) -> int:
    """Sign a user out everywhere else; return from how many browsers."""
    ended = _end(PortalSession.objects.filter(user=user).exclude(session_key=session_key))
    if ended:
        audit_person(user=user, actor=user, action="session.others_ended")
    return ended


def sessions_end_all(*, user: Any, actor: Any) -> int:
    """Sign a user out everywhere; return from how many browsers."""
    ended = _end(PortalSession.objects.filter(user=user))
    if ended:
        audit_person(user=user, actor=actor, action="session.all_ended")
    return ended


def _end(rows: QuerySet[PortalSession]) -> int:
    ended = dict(rows.values_list("session_key", "user_id"))
    Session.objects.filter(session_key__in=ended).delete()
    PortalSession.objects.filter(session_key__in=ended).delete()
    sockets_look_again({*ended.values()})
    return len(ended)
