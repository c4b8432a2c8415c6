"""The part of a plain statement that tells endpoints of a message, as outbox.py does.

It follows on rows that have the names which it selects; see handoffs/sending/hot_path.py.
"""

from __future__ import annotations

# A look into an index, mostly of nothing, where nobody listens.
TOLD = """
    INSERT INTO conversations_webhookdelivery
        (endpoint_id, event_id, type, conversation_id, environment, shared_id, lane, data, status,
         attempts, next_attempt_at, error_code, created_at, correlation_id)
    SELECT endpoint.id, event_id, 'message.created', conversation_id, environment, shared_id,
           conversation_id, NULL, 'pending', 0, %(now)s::timestamptz, '', %(now)s::timestamptz,
           correlation_id
"""
LISTENING = """
    JOIN conversations_webhookendpoint AS endpoint USING (project_id)
    WHERE endpoint.is_enabled AND endpoint.event_types @> '["message.created"]'
"""
