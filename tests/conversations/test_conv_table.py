"""Every documented attribute and call of `conv`, tried in the real sandbox: docs/conv.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conversations.ai_agent.sandbox.runner import ConvSnapshot, ToolError, ToolOutcome, tool_run
from conversations.ai_agent.sandbox.served import ALL, Served, Support

# The reference product's own list.
ATTRIBUTES = """
    id account_id project_id env channel_type integration_attributes caller_number
    callee_number state entities current_flow current_step history transcript
    transcript_alternatives handoffs handoff variant_name variant variants sms_templates
    sms_queue language real_time_config memory attachments response_suggestions
    metric_events metrics_queue generic_external_events translations functions api
    integrations context_vault sip_headers voice_change agentic_dial
"""
CALLS = """
    say goto_flow exit_flow call_handoff check_availability set_variant set_language
    add_attachments set_response_suggestions send_sms send_sms_template send_whatsapp
    send_content_template send_email write_metric generate_external_event log_api_response
    set_csat_eligibility set_csat_score goto_csat_flow disable_kb_topics
    clear_disabled_kb_topics discard_recording set_voice randomize_voice set_asr_biasing
    clear_asr_biasing webchat.set_chat_call_actions log.info utils.get_secret
    utils.prompt_llm
"""
SAID = {"ts": "2026-01-01T00:00:00Z", "sender": "user", "text": "hi", "attachments": []}
SNAPSHOT = ConvSnapshot(
    id="CONV-1",
    account_id="ws-1",
    project_id="PROJECT-1",
    env="live",
    language="en-GB",
    state={"order": 7},
    history=[
        {"role": "user", "text": "hi"},
        {"role": "agent", "text": "hello"},
        {"role": "live_agent", "text": "Grace here"},
    ],
    transcript=[SAID],
    handoff={"agent_name": "Grace"},
    integration_attributes={"page": "/pricing"},
    context_vault={"tier": "gold"},
    caller_number="ada@example.com",
    current_flow="returns",
    current_step="ask",
    entities={"order": "A-7"},
    handoffs={"Billing": {"name": "Billing", "integration": "custom_integration"}},
    variant_name="north",
    variants={"north": {"city": "Oslo"}, "south": {}},
    memory={"visits": 4},
    metric_events=[{"name": "greeted", "value": None}],
    real_time_config={"opens_at": 9},
    translations={"hello": "Hello"},
    apis={"orders": ["get"]},
    integrations={"crm": ["find_contacts"]},
    functions={
        "double": "def twice(n):\n    return n * 2\ndef double(conv, n):\n    return str(twice(n))"
    },
)
THERE = {
    "available": True,
    "queue": None,
    "position_estimate": None,
    "estimated_wait_seconds": 3,
    "business_hours_open": True,
    "checked_at": "2026-01-01T00:00:00Z",
}
ANSWER = {
    "status_code": 200,
    "text": '{"state": "sent"}',
    "headers": {},
    "url": "https://x.example",
}
SERVICES: dict[str, Any] = {
    "get_secret": lambda asked, seconds: "s3cret",
    "api": lambda asked, seconds: ANSWER,
    "integration": lambda asked, seconds: [{"Name": "Ada"}],
    "check_availability": lambda asked, seconds: THERE,
}


def tried(row: Served) -> ToolOutcome:
    lines = "\n".join(f"    {line}" for line in row.example.splitlines())
    return tool_run(
        source=f"def tool(conv):\n{lines}",
        function_name="tool",
        conv=SNAPSHOT,
        project_key="project",
        services=SERVICES,
    )


def test_the_table_has_every_documented_name_once():
    paths = [row.path for row in ALL]

    assert len(paths) == len(set(paths))
    assert set(ATTRIBUTES.split()) <= {row.path for row in ALL if not row.is_call}
    assert set(CALLS.split()) <= {row.path for row in ALL if row.is_call}


@pytest.mark.parametrize(
    "row", [r for r in ALL if r.support is not Support.REFUSED], ids=lambda row: row.path
)
def test_what_the_table_says_of_a_name_is_so_in_the_sandbox(row):
    outcome = tried(row)

    assert outcome.returned == row.gives
    noted = [values["name"] for name, values in outcome.effects.done if name == "no_effect"]
    assert noted == ([f"conv.{row.path}"] if row.support is Support.NO_EFFECT else [])


@pytest.mark.parametrize(
    "row", [r for r in ALL if r.support is Support.REFUSED], ids=lambda row: row.path
)
def test_what_the_table_refuses_says_why_at_its_line(row):
    with pytest.raises(ToolError) as caught:
        tried(row)

    assert (caught.value.code, caught.value.line) == ("runtime", 2)
    assert caught.value.message.startswith(f"NotImplementedError: conv.{row.path}")
    assert len(caught.value.message.partition(": ")[2].partition(": ")[2]) > 20


def test_the_documented_page_has_a_row_for_each_name():
    page = Path("docs/conv.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE) == [row.name for row in ALL]
