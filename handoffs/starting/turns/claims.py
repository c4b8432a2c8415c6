"""Whose turn it is: one at a time in a conversation, claimed like a lease, shared out fairly.

A message waits in the journal, not in a thread: a worker's thread either gets a turn at once or
goes on to something else. Whoever ends a turn looks for the next one, so no turn needs a wake-up of
its own; what a lost worker leaves is found by the sweep.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Now

from conversations.ai_agent.sandbox.slots import FairSlots, Tenant
from conversations.event_loop.thread_database import is_apart
from conversations.models import Conversation
from handoffs.lifecycle.queueing import queue_answer
from handoffs.starting.turns.statements import TurnFacts, tenants_waiting, turn_claim

logger = logging.getLogger(__name__)
# A killed worker's turn is somebody else's after this long.
LEASE = timedelta(seconds=5)
RENEW_SECONDS = 1.5
# A turn that was not finished is not begun again before.
PAUSE = timedelta(seconds=2)
# Those of a tenant that are looked at: another thread may be faster with the first ones.
CANDIDATES = 5
CONVERSATIONS_KNOWN = 10_000
# Most turns are over by then. Until then a turn computes, and one more of the same project would
# only make all of them slower, its neighbours' too; after that it mostly waits.
FRESH_SECONDS = 0.5
FRESH_PER_PROJECT = max(1, (os.cpu_count() or 1) // 2)
# The AI agent owes an answer, and nobody is at it.
WAITING = Q(answer_due_at__isnull=False, state=Conversation.State.BOT)
NOBODYS = Q(turn_until=None) | Q(turn_until__lt=Now())


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnClaim:
    """The right to answer in a conversation; void once somebody else has another id.

    `tries` says how often the answer to the oldest unanswered message was begun, this time
    included: it is more than 1 where a turn crashed, could not be stored, or its worker died.
    `facts` is what was read in the same statement, if one could do both.
    """

    conversation_id: str
    id: uuid.UUID
    tries: int
    tenant: Tenant
    facts: TurnFacts | None = field(default=None, repr=False, compare=False)


def turns_waiting() -> QuerySet[Conversation]:
    """Return the conversations in which a turn could be taken now."""
    return Conversation.objects.filter(WAITING).filter(NOBODYS)


def turn_put_back(claim: TurnClaim, *, is_try: bool) -> None:
    """Leave a turn that was not finished to the sweep; `is_try` False where it had not begun."""
    Conversation.objects.filter(pk=claim.conversation_id, turn_id=claim.id).update(
        turn_id=None,
        turn_until=Now() + PAUSE,
        answer_tries=F("answer_tries") - (0 if is_try else 1),
    )


def turn_clear(
    conversation: Conversation, *, due_at: datetime | None = None, also: Sequence[str] = ()
) -> None:
    """Leave a locked conversation without a turn under way; another one may be due.

    `also` are further columns to save with it.
    """
    conversation.answer_due_at = due_at
    conversation.turn_id = conversation.turn_until = None
    conversation.answer_tries = 0
    own = ("answer_due_at", "turn_id", "turn_until", "answer_tries")
    conversation.save(update_fields=[*own, *also])


class Turns:
    """The turns of this process; thread-safe."""

    def __init__(self) -> None:
        """Begin without any."""
        self._slots = FairSlots(settings.TURNS_AT_ONCE)
        # One thread chooses at a time: what two of them free is seen by the second.
        self._choosing = threading.Lock()
        self._fresh = _Fresh()
        self._keeper = _Keeper()
        self._handed_over: set[uuid.UUID] = set()
        self._kept_here: set[str] = set()

    def bound(self, number: int) -> None:
        """Take no more than so many turns at once, and not more than TURNS_AT_ONCE."""
        self._slots.number = max(1, min(number, settings.TURNS_AT_ONCE))

    def claim(self, conversation_id: str) -> TurnClaim | None:
        """Claim a conversation's turn, or the next one where somebody has that already.

        None where its tenant has its share: whoever ends one of its turns takes the next, so that
        the many who are woken up by a crowd go at once.
        """
        if conversation_id in self._kept_here:
            # Whoever is at it goes on to what was said meanwhile.
            return self.claim_next()
        # Without a queue: whoever has just been woken up does not stand behind those who look
        # round for more.
        try:
            tenant = _tenant_of(conversation_id)
            claim = self._take(tenant, [conversation_id])
        except Conversation.DoesNotExist:
            claim = None
        except _NoRoomError:
            return None
        return claim or self.claim_next()

    def claim_next(self) -> TurnClaim | None:
        """Claim the turn that is due by fairness, if one is waiting that may be taken."""
        with self._alone():
            return self._next()

    @contextmanager
    def kept(self, claim: TurnClaim) -> Iterator[None]:
        """Hold on to a turn for the length of the block, and give its slot back.

        What has been handed over in the block is held until `release`.
        """
        self._keeper.hold(claim.id)
        self._kept_here.add(claim.conversation_id)
        grown = threading.Timer(FRESH_SECONDS, self._grow_old, [claim])
        grown.daemon = True
        grown.start()
        try:
            yield
        finally:
            grown.cancel()
            self._kept_here.discard(claim.conversation_id)
            if claim.id not in self._handed_over:
                self._keeper.drop(claim.id)
            self._fresh.end(claim.id)
            self._slots.give_back(claim.tenant)

    def hand_over(self, claim: TurnClaim) -> None:
        """Let a turn outlive the block in which it is kept: it goes on in no thread."""
        self._handed_over.add(claim.id)

    def release(self, claim: TurnClaim) -> None:
        """End what was handed over."""
        self._keeper.drop(claim.id)
        self._handed_over.discard(claim.id)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Choose alone; who waits for it keeps no connection from the one who is choosing.

        Otherwise those who wait could hold all connections that there are.
        """
        if not self._choosing.acquire(blocking=False):
            if not connection.in_atomic_block:
                connection.close()
            self._choosing.acquire()
        try:
            yield
        finally:
            self._choosing.release()

    def _next(self) -> TurnClaim | None:
        """Who has the fewest turns now comes first, then who has waited longest."""
        for tenant in sorted(_tenants_waiting(), key=self._slots.held):
            oldest = turns_waiting().filter(project_id=tenant.project).order_by("answer_due_at")
            with suppress(_NoRoomError):
                claim = self._take(tenant, oldest.values_list("pk", flat=True)[:CANDIDATES])
                if claim is not None:
                    return claim
        return None

    def _take(self, tenant: Tenant, candidates: Iterable[str]) -> TurnClaim | None:
        """Claim the first candidate that nobody else claims before.

        Raises _NoRoomError where the tenant has its share; the candidates are not looked at then.
        """
        turn_id = uuid.uuid4()
        if not self._fresh.begin(turn_id, tenant.project):
            raise _NoRoomError
        claim = None
        has_slot = self._slots.try_take(tenant)
        try:
            if not has_slot:
                raise _NoRoomError
            claims = (_claim(turn_id, tenant, candidate) for candidate in candidates)
            claim = next(filter(None, claims), None)
        finally:
            if claim is None:
                self._fresh.end(turn_id)
                if has_slot:
                    self._slots.give_back(tenant)
        return claim

    def _grow_old(self, claim: TurnClaim) -> None:
        """Let the next turn of the project begin beside one that takes long."""
        if self._fresh.end(claim.id):
            queue_answer(claim.conversation_id)


class _NoRoomError(Exception):
    """A tenant has as many turns as it may have now."""


def _tenants_waiting() -> list[Tenant]:
    """Return whoever waits for an answer, who waits longest first."""
    if is_apart():
        return [_tenant(*row) for row in tenants_waiting()]
    projects = turns_waiting().values_list("project__workspace_id", "project_id")
    rows = projects.annotate(since=Min("answer_due_at")).order_by("since")
    return [_tenant(workspace, project) for workspace, project, _ in rows]


# A conversation stays its project's; one that is not there is asked for again.
@lru_cache(maxsize=CONVERSATIONS_KNOWN)
def _tenant_of(conversation_id: str) -> Tenant:
    rows = Conversation.objects.values_list("project__workspace_id", "project_id")
    return _tenant(*rows.get(pk=conversation_id))


def _tenant(workspace_id: int, project_id: int) -> Tenant:
    return Tenant(workspace=str(workspace_id), project=str(project_id))


def _claim(turn_id: uuid.UUID, tenant: Tenant, conversation_id: str) -> TurnClaim | None:
    """Write the claim where nobody else was faster."""
    if is_apart():
        facts = turn_claim(turn_id, conversation_id, LEASE)
        tries = facts.conversation.answer_tries if facts else 0
    else:
        facts, tries = None, _claim_slowly(turn_id, conversation_id)
    if not tries:
        return None
    return TurnClaim(
        conversation_id=conversation_id, id=turn_id, tries=tries, tenant=tenant, facts=facts
    )


def _claim_slowly(turn_id: uuid.UUID, conversation_id: str) -> int:
    """Do as turn_claim does without reading more than the number of tries; 0 where it fails."""
    waiting = turns_waiting().filter(pk=conversation_id)
    tries = waiting.values_list("answer_tries", flat=True).first()
    if tries is None:
        return 0
    claimed = waiting.filter(answer_tries=tries).update(
        turn_id=turn_id, turn_until=Now() + LEASE, answer_tries=tries + 1
    )
    return tries + 1 if claimed else 0


class _Fresh:
    """The turns that have just begun, few of each project; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._projects: dict[uuid.UUID, str] = {}
        self._refused: set[str] = set()

    def begin(self, turn_id: uuid.UUID, project: str) -> bool:
        """Return whether the project may begin a turn now."""
        with self._lock:
            if list(self._projects.values()).count(project) >= FRESH_PER_PROJECT:
                self._refused.add(project)
                return False
            self._projects[turn_id] = project
            return True

    def end(self, turn_id: uuid.UUID) -> bool:
        """Let the project begin another one; return whether it was refused one meanwhile."""
        with self._lock:
            project = self._projects.pop(turn_id, "")
            is_wanted = project in self._refused
            self._refused.discard(project)
            return is_wanted


class _Keeper:
    """Renews what this process holds, from one thread that starts with the first turn."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: set[uuid.UUID] = set()
        self._thread: threading.Thread | None = None

    def hold(self, turn_id: uuid.UUID) -> None:
        with self._changed:
            self._held.add(turn_id)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="turns", daemon=True)
                self._thread.start()
            self._changed.notify()

    def drop(self, turn_id: uuid.UUID) -> None:
        with self._changed:
            self._held.discard(turn_id)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._held))
            time.sleep(RENEW_SECONDS)
            with self._changed:
                held = list(self._held)
            if held:
                _renew(held)


def _renew(turn_ids: list[uuid.UUID]) -> None:
    try:
        Conversation.objects.filter(WAITING, turn_id__in=turn_ids).update(turn_until=Now() + LEASE)
    except DatabaseError as error:
        logger.warning("Turns are not renewed: %s", type(error).__name__)
    finally:
        connection.close()


TURNS = Turns()
