"""Put much data into a product's database, without the product.

python -m tests.bench.populate handoffs N      requested handoffs, for relay workers to take
python -m tests.bench.populate sessions N      sessions; prints a session id and a token a line
python -m tests.bench.populate stored N        ended conversations with ten events each
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

from django.db import connection, transaction  # noqa: E402

from conversations.models import Channel, Conversation, EndUser  # noqa: E402
from conversations.widget.access_token import token_issue  # noqa: E402
from handoffs.models import Handoff  # noqa: E402
from integrations.models import Integration  # noqa: E402

# PostgreSQL ends a transaction that rests, and on a busy machine making many rows takes long.
AT_ONCE = 2000


def conversations(number: int, state: str) -> list[Conversation]:
    """Make conversations of the demo's channel."""
    channel = Channel.objects.select_related("project").get()
    users = EndUser.objects.bulk_create(
        EndUser(project=channel.project, external_id=str(uuid.uuid4())) for _ in range(number)
    )
    return Conversation.objects.bulk_create(
        [
            Conversation(
                project=channel.project,
                channel=channel,
                end_user=user,
                environment=channel.environment,
                state=state,
                token_family=uuid.uuid4(),
            )
            for user in users
        ]
    )


@transaction.atomic
def handoffs(number: int) -> None:
    """Make handoffs that wait for a relay worker."""
    integration = Integration.objects.get(
        connector_key="salesforce_messaging", project__slug="demo-shop"
    )
    Handoff.objects.bulk_create(
        Handoff(
            conversation=conversation,
            integration=integration,
            environment=conversation.environment,
            integration_key=integration.integration_key,
            tool_call_id="bench",
        )
        for conversation in conversations(number, Conversation.State.HANDOFF)
    )


def sessions(number: int) -> None:
    """Make sessions and print what a widget needs to connect to each."""
    channel = Channel.objects.get(project__slug="demo-shop")
    for start in range(0, number, AT_ONCE):
        for conversation in conversations(min(AT_ONCE, number - start), Conversation.State.BOT):
            token = token_issue(channel, family=conversation.token_family, is_trusted=False)
            print(conversation.session_id, token)


def stored(number: int) -> None:
    """Make old conversations, each with ten lines in its journal."""
    for start in range(0, number, AT_ONCE):
        _stored(min(AT_ONCE, number - start))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _stored(number: int) -> None:
    made = [row.pk for row in conversations(number, Conversation.State.ENDED)]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO conversations_event
                (id, conversation_id, sequence, type, payload, client_event_id, created_at)
            SELECT gen_random_uuid(), old.id, line, 'USER_MESSAGE',
                   '{"text": "said long ago"}'::jsonb, '', now()
            FROM unnest(%s::text[]) AS old(id), generate_series(1, 10) AS line
            """,
            [made],
        )


if __name__ == "__main__":
    {"handoffs": handoffs, "sessions": sessions, "stored": stored}[sys.argv[1]](int(sys.argv[2]))
