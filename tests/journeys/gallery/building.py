"""What a builder has made in the gallery's project: topics, tools, flows, places, values."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from conversations.ai_agent.destinations.services import destination_create
from conversations.ai_agent.flows.services import flow_create
from conversations.ai_agent.means.services import api_save, secret_save
from conversations.ai_agent.services import tool_create, topic_create
from conversations.ai_agent.variants.services import variant_create
from conversations.models import WebhookDelivery
from conversations.releases.services import release_publish
from conversations.webhooks.endpoints import endpoint_create
from integrations.models import Project
from tests.journeys.gallery.clock import ago

TOOL = """\
def order_status(conv: Conversation, number: str):
    \"\"\"Say where an order is.\"\"\"
    order = conv.api.shop.get(number=number).json()
    conv.state.order = order["number"]
    return {"utterance": f"Your order {order['number']} is {order['state']}."}
"""
TRANSFER = """\
def transfer_to_person(conv: Conversation):
    return {
        "utterance": "I will find someone for you.",
        "handoff": {"text_chat": {"salesforce_integration": {}}},
    }
"""
TOPICS: tuple[tuple[str, list[str], str], ...] = (
    (
        "Opening hours",
        ["When are you open?", "Are you open on Sunday?"],
        "The shop is open Monday to Saturday, 9:00 to 18:30.",
    ),
    (
        "Returns",
        ["How do I send a book back?", "I want my money back"],
        "You can return books within 30 days. The label is in the parcel.",
    ),
    (
        "Gift vouchers",
        ["Do you sell vouchers?", "How long is a voucher valid?"],
        "Vouchers are valid for three years, in the shop and online.",
    ),
)
FLOW: list[dict[str, Any]] = [
    {
        "name": "Which order",
        "entities": [
            {"name": "order_number", "kind": "alphanumeric", "question": "Which order is it?"}
        ],
        "conditions": [
            {"description": "damaged", "phrases": ["broken", "torn"], "child_step": "Person"},
            {"description": "late", "phrases": ["late", "lost"], "child_step": "Look it up"},
        ],
    },
    {"name": "Look it up", "kind": "function", "tools": ["order_status"], "next_step": "Thanks"},
    {"name": "Person", "kind": "handoff", "destination": "Order desk", "on_failed": "Thanks"},
    {"name": "Thanks", "prompt": "Is there anything else?"},
]


def build(project: Project, admin: User) -> dict[str, Any]:
    """Make everything, and return a value for each parameter of the addresses of Build."""
    by = {"project": project, "actor": admin}
    tool = tool_create(
        **by,
        values={"name": "order_status", "description": "Looks an order up.", "source": TOOL},
    )
    tool_create(
        **by,
        values={"name": "transfer_to_person", "description": "Hands over.", "source": TRANSFER},
    )
    for name, queries, content in TOPICS:
        topic = topic_create(
            **by,
            values={"name": name, "example_queries": queries, "content": content, "actions": []},
        )
    action = {"kind": "run_tool", "target": "transfer_to_person", "when": "always"}
    human = {"name": "Talk to a person", "example_queries": ["I want to talk to a human"]}
    topic_create(**by, values={**human, "content": "", "actions": [action]})
    place = destination_create(
        **by,
        values={
            "name": "Order desk",
            "description": "Damaged and late orders.",
            "integration_key": "salesforce_integration",
        },
    )
    destination_create(**by, values={"name": "Rare books", "description": "First editions."})
    flow = flow_create(
        **by,
        values={
            "name": "Trouble with an order",
            "description": "Finds out what is wrong with an order.",
            "start_step": FLOW[0]["name"],
            "steps": FLOW,
        },
    )
    variant = variant_create(
        **by,
        values={
            "name": "German shop",
            "language": "de",
            "greeting": "Guten Tag. Wie kann ich helfen?",
        },
    )
    return {
        "topic_id": topic.pk,
        "tool_id": tool.pk,
        "destination_id": place.pk,
        "flow_id": flow.pk,
        "at": 0,
        "variant_id": variant.pk,
        **_means(by),
        **_released(by),
    }


def _means(by: dict[str, Any]) -> dict[str, Any]:
    secret = secret_save(
        **by,
        secret=None,
        name="SHOP_API_KEY",
        description="Reads orders of the shop",
        tool_names=["order_status"],
        values={"sandbox": "key-of-the-sandbox"},
    )
    api = api_save(
        **by,
        api=None,
        values={
            "name": "shop",
            "base_urls": {"sandbox": "https://sandbox.books.example"},
            "operations": [{"name": "get", "method": "GET", "path": "/orders/{number}"}],
            "header_name": "Authorization",
            "header_prefix": "Bearer ",
            "secret_name": "SHOP_API_KEY",
        },
    )
    return {"secret_id": secret.pk, "api_id": api.pk}


def _released(by: dict[str, Any]) -> dict[str, Any]:
    release_publish(**by, note="Vouchers are valid for three years")
    endpoint, _ = endpoint_create(
        **by,
        values={
            "name": "Warehouse",
            "url": "https://warehouse.books.example/baton",
            "event_types": ["handoff.started", "handoff.ended"],
        },
    )
    last = None
    for minutes, status in ((90, 200), (35, 500), (4, 200)):
        last = WebhookDelivery.objects.create(
            endpoint=endpoint,
            type="handoff.ended",
            lane="",
            data={"handoff_id": "HOF-1", "end_reason": "live_agent_ended"},
            environment="sandbox",
            status=_STATUS[status],
            attempts=1 if status == 200 else 8,
            response_status=status,
            duration_ms=84,
            attempted_at=ago(minutes=minutes),
            created_at=ago(minutes=minutes),
        )
    assert last is not None
    return {"endpoint_id": endpoint.pk, "event_id": last.event_id}


_STATUS = {200: WebhookDelivery.Status.DELIVERED, 500: WebhookDelivery.Status.FAILED}
