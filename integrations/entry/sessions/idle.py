"""End sessions whose member does nothing; what a page asks for by itself is no sign of life."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.db.models import Min
from django.http import HttpRequest
from django.utils import timezone

from integrations.entry.client_address import client_address
from integrations.entry.sessions.devices import device_words
from integrations.models import Membership, PortalSession
from integrations.projects.audit import audit_person
from integrations.projects.proofs import ENDED_AFTER, SEEN_AT, WAY

# A sign of life is written down once a minute: pages cost no statement more in between.
NOTED_SECONDS = 60


def idle_limit(user_id: Any) -> int:
    """Return after how many seconds a member is signed out: the shortest that is asked; 0 never."""
    asking = Membership.objects.filter(user=user_id, workspace__idle_minutes__gt=0)
    own = asking.aggregate(least=Min("workspace__idle_minutes"))["least"]
    asked = [int(one) for one in (own, settings.SIGN_IN_IDLE_MINUTES) if one]
    return 60 * min(asked, default=0)


def session_look(request: HttpRequest) -> bool:
    """Note a sign of life, or end a session that had none for too long; say if it was ended."""
    session = request.session
    if SESSION_KEY not in session:
        return False
    seen, now = int(session.get(SEEN_AT, 0)), int(time.time())
    if now - seen < NOTED_SECONDS:
        return False
    limit = idle_limit(session[SESSION_KEY])
    if seen and limit and now - seen > limit:
        _end(request, limit)
        return True
    if not _is_by_itself(request):
        _note(request, now)
    return False


def socket_is_over(session_key: str, user: Any) -> bool:
    """Say whether the session behind a socket was ended, or its member has done nothing."""
    row = PortalSession.objects.filter(session_key=session_key, user=user).first()
    if row is None:
        return True
    limit = idle_limit(user.pk)
    return bool(limit) and (timezone.now() - row.seen_at).total_seconds() > limit + NOTED_SECONDS


def _is_by_itself(request: HttpRequest) -> bool:
    """Say whether a script asks, as pages do that keep themselves up to date."""
    return request.method == "GET" and request.headers.get("Accept", "") == "*/*"


def _note(request: HttpRequest, now: int) -> None:
    session = request.session
    session[SEEN_AT] = now
    PortalSession.objects.update_or_create(
        session_key=session.session_key,
        defaults={"seen_at": timezone.now(), "address": client_address(request)[:60]},
        create_defaults={
            "user_id": session[SESSION_KEY],
            "device": device_words(request.META.get("HTTP_USER_AGENT", "")),
            "address": client_address(request)[:60],
            "way": session.get(WAY, "password"),
            "seen_at": timezone.now(),
        },
    )


def _end(request: HttpRequest, limit: int) -> None:
    user = request.user
    if user.is_authenticated:
        audit_person(user=user, actor=None, action="session.idle_ended")
    logout(request)
    request.session[ENDED_AFTER] = limit // 60
