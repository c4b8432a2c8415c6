"""Fill the demo's project with what a busy year leaves, in PostgreSQL's own words.

python -m tests.bench.page_rows N      N conversations with ten lines each, 0.4 N handoffs, of
                                       which a thirteenth is open; a long one of each

Each row is a copy of one that the product's own services have made, so that a new column needs
nothing here.
"""

from __future__ import annotations

import os
import sys
import uuid

from config.demo.environment import demo_environment_load

demo_environment_load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - needs the environment

django.setup()

from datetime import timedelta  # noqa: E402

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from conversations.models import Conversation, ConversationSearch, Event  # noqa: E402
from handoffs.models import Handoff, HandoffTransition, RelayWorker  # noqa: E402
from handoffs.portal.analytics.totals.clock import totals_catch_up  # noqa: E402
from handoffs.portal.conversations.search_fill import search_refresh  # noqa: E402
from integrations.models import AuditEntry, Integration, VendorCall  # noqa: E402
from tests import factories  # noqa: E402

LONG_LINES, LONG_MOMENTS = 200, 300
LINES = 10
HANDOFFS_SHARE, OPEN_SHARE = 0.4, 1 / 13
WORDS = (
    *("parcel", "lost", "invoice", "refund", "late", "order", "delivery", "address", "password"),
    *("return", "broken", "size", "colour", "payment", "card", "voucher", "account", "zebra"),
)
SPREAD = "interval '365 days'"


def copies(table: str, key: object, number: int, changes: str, **given: object) -> None:
    """Copy one row of a table so often; `changes` are SQL pairs of names and values by `n`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position), "
            "string_agg('r.' || quote_ident(column_name), ', ' ORDER BY ordinal_position) "
            "FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER'",
            [table],
        )
        columns, values = cursor.fetchone()
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} t "
            "CROSS JOIN generate_series(1, %(number)s) AS n CROSS JOIN LATERAL "
            f"jsonb_populate_record(t, jsonb_build_object({changes})) r WHERE t.id = %(key)s "
            "ON CONFLICT DO NOTHING",
            {"number": number, "key": key, **given},
        )


def next_id(table: str) -> str:
    """Return the SQL of a new number of a table."""
    return f"nextval(pg_get_serial_sequence('{table}', 'id'))"


def fill(number: int) -> None:
    """Make everything; what exists stays."""
    integration = Integration.objects.filter(
        project__slug="demo-shop", connector_key="salesforce_messaging"
    ).get()
    channel = integration.project.channels.filter(kind="webchat").first()
    assert channel is not None
    seed = factories.conversation(channel, state="ended")
    _conversations(seed, number)
    _handoffs(seed, integration, number)
    _searches(seed, number)
    _facts()
    while totals_catch_up(seconds=60):
        pass
    _long_ones(channel, integration)
    project = channel.project
    entry = AuditEntry.objects.create(
        workspace=project.workspace, project=project, action="bench", subject="bench"
    )
    table = "integrations_auditentry"
    copies(
        table, entry.pk, number // 2, f"'id', {next_id(table)}, 'at', now() - n * interval '1 m'"
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def conversation_id(number: str) -> str:
    """Return an id in SQL; as ours do, it grows with time, and the first is the newest."""
    return f"'CONV-' || lpad(to_hex(1000000000 - ({number})), 32, '0')"


def _conversations(seed: Conversation, number: int) -> None:
    copies(
        "conversations_conversation",
        seed.pk,
        number,
        f"'id', {conversation_id('n')}, 'session_id', gen_random_uuid(), "
        "'last_sequence', %(lines)s, "
        f"'started_at', now() - n * ({SPREAD} / %(number)s), "
        f"'ended_at', now() - n * ({SPREAD} / %(number)s) + interval '5 minutes'",
        lines=LINES,
    )
    line = factories_line(seed)
    copies(
        "conversations_event",
        line.pk,
        number * LINES,
        "'id', gen_random_uuid(), 'sequence', 1 + (n - 1) %% %(lines)s, "
        f"'conversation_id', {conversation_id('1 + (n - 1) / %(lines)s')}",
        lines=LINES,
    )


def factories_line(seed: Conversation) -> Event:
    """Return a line that was said, as the journal has it."""
    return Event.objects.create(
        conversation=seed,
        sequence=9999,
        type="USER_MESSAGE",
        payload={"message_id": str(uuid.uuid4()), "text": "Where is my parcel?", "attachments": []},
    )


def _handoffs(seed: Conversation, integration: Integration, number: int) -> None:
    """Make ended ones, and open ones that a worker seems to hold until tomorrow."""
    tomorrow = timezone.now() + timedelta(days=1)
    worker = RelayWorker.objects.create(name="bench", heartbeat_at=tomorrow)
    made = Handoff.objects.create(
        conversation=seed,
        project=seed.project,
        integration=integration,
        environment=seed.environment,
        integration_key=integration.integration_key,
        tool_call_id="bench",
        state="ended",
        end_reason="live_agent_ended",
        agent_name="Noor Halvorsen",
        channel_kind="webchat",
        routing={},
        owner=worker,
    )
    HandoffTransition.objects.create(handoff=made, to_state="requested", trigger="requested")
    count = int(number * HANDOFFS_SHARE)
    first_open = count - int(count * OPEN_SHARE)
    copies(
        "handoffs_handoff",
        made.pk,
        count,
        f"'id', 'HOF-' || md5('bench' || n), 'conversation_id', {conversation_id('n')}, "
        "'state', CASE WHEN n > %(open)s THEN 'active' WHEN n %% 9 = 0 THEN 'failed' ELSE 'ended' "
        "END, 'error_code', CASE WHEN n %% 9 = 0 THEN 'wait_timeout' ELSE '' END, "
        "'reason', 'reason ' || n %% 12, 'topic', 'topic ' || n %% 15, "
        "'queue', 'queue ' || n %% 9, "
        f"'requested_at', now() - n * ({SPREAD} / %(all)s), "
        f"'joined_at', now() - n * ({SPREAD} / %(all)s) + n %% 200 * interval '1 second', "
        "'ended_at', CASE WHEN n > %(open)s THEN NULL ELSE "
        f"now() - n * ({SPREAD} / %(all)s) + interval '4 minutes' END",
        open=first_open,
        all=number,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE conversations_conversation SET state = 'handoff', ended_at = NULL, "
            "last_seen_at = %s WHERE id IN (SELECT conversation_id FROM handoffs_handoff "
            "WHERE state = 'active' AND owner_id = %s)",
            [tomorrow, worker.pk],
        )


def _searches(seed: Conversation, number: int) -> None:
    search_refresh([seed.pk])
    row = ConversationSearch.objects.get(conversation=seed)
    table = "conversations_conversationsearch"
    copies(
        table,
        row.pk,
        number,
        f"'id', {next_id(table)}, 'conversation_id', {conversation_id('n')}, "
        f"'started_at', now() - n * ({SPREAD} / %(number)s), "
        "'sequence', %(lines)s, 'is_final', true, 'first_words', 'Where is my parcel', "
        "'words', (SELECT string_agg((%(words)s::text[])[1 + abs(hashint8(n * 131 + w)) %% "
        "%(size)s] || CASE WHEN w %% 4 = 0 THEN (n * w %% 4999)::text ELSE '' END, ' ') "
        "FROM generate_series(1, 90) w)",
        lines=LINES,
        words=list(WORDS),
        size=len(WORDS),
    )


def _facts() -> None:
    """Make the facts of analytics; what is open has none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO conversations_handofffact (handoff_key, conversation_key, project_id, "
            "environment, channel, vendor, queue, topic, reason, outcome, error_code, "
            "is_broken_off, is_queued, requested_at, wait_ms, handle_ms, total_ms) "
            "SELECT id, conversation_id, project_id, environment, channel_kind, integration_key, "
            "queue, topic, reason, CASE state WHEN 'ended' THEN 'answered' ELSE 'timed_out' END, "
            "error_code, false, true, requested_at, "
            "extract(epoch FROM joined_at - requested_at) * 1000, "
            "extract(epoch FROM ended_at - joined_at) * 1000, "
            "extract(epoch FROM ended_at - requested_at) * 1000 "
            "FROM handoffs_handoff WHERE state IN ('ended', 'failed') ON CONFLICT DO NOTHING"
        )
        cursor.execute(
            "INSERT INTO conversations_conversationfact (conversation_key, project_id, "
            "environment, channel, started_at, ended_at, has_words, has_answer, handoffs, "
            "is_asked, rating_ai_agent) SELECT id, project_id, environment, 'webchat', started_at, "
            "ended_at, true, true, CASE WHEN random() < 0.4 THEN 1 ELSE 0 END, true, "
            "1 + (random() * 4)::int "
            "FROM conversations_conversation WHERE state = 'ended' ON CONFLICT DO NOTHING"
        )


def _long_ones(channel: object, integration: Integration) -> None:
    """Make the conversation of 200 lines and the handoff of 300 moments."""
    made = factories.handoff(of_integration=integration)
    line = factories_line(made.conversation)
    key = made.conversation_id
    changes = "'id', gen_random_uuid(), 'sequence', 100 + n, 'created_at', now()"
    copies("conversations_event", line.pk, LONG_LINES, changes)
    call = VendorCall.objects.create(
        integration=integration,
        reference=made.pk,
        operation="send",
        method="POST",
        path="/x",
        duration_ms=12,
        at=timezone.now(),
    )
    table = "integrations_vendorcall"
    copies(table, call.pk, LONG_MOMENTS - LONG_LINES, f"'id', {next_id(table)}, 'at', now()")
    Handoff.objects.filter(pk=made.pk).update(state="ended", ended_at=timezone.now())
    Conversation.objects.filter(pk=key).update(state="ended", ended_at=timezone.now())
    print(key, made.pk)


if __name__ == "__main__":
    fill(int(sys.argv[1]))
