"""A test turn: asks a project's outside agent as a conversation would, and changes nothing."""

from __future__ import annotations

import time
import uuid

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from conversations.ai_agent.outside.agent import AgentFailedError, AgentTurn
from conversations.ai_agent.runtimes.kinds import kind_of
from conversations.ai_agent.runtimes.page import TEST_TEXT, agent_page
from conversations.ai_agent.runtimes.runtime import answer_ask, conversation_told, is_asked
from conversations.ai_agent.runtimes.services import outside_agent_error_note
from conversations.ai_agent.runtimes.trial import TrialTurn
from conversations.models import Channel, Conversation, EndUser, OutsideAgent
from handoffs.starting.agent_place import agent_place
from handoffs.starting.turns.outside import agent_session
from integrations.entry.rate_limit import retry_after
from integrations.models import Access, Area, Environment
from integrations.projects.access import project_for
from integrations.projects.audit import audit_record

TESTS_PER_MINUTE = 10
TEXT_MAX = 500


@require_POST
@login_required
async def agent_test(request: HttpRequest, project_id: str) -> HttpResponseBase:
    """Send a test turn, and show what came back."""
    text = request.POST.get("text", "").strip()[:TEXT_MAX] or TEST_TEXT
    agent, wait = await sync_to_async(_start)(request, project_id)
    if agent is None or wait:
        return await sync_to_async(_refuse)(request, project_id, wait)
    tried = await agent_try(agent, text)
    return await sync_to_async(_show)(request, agent, tried)


async def agent_try(agent: OutsideAgent, text: str) -> TrialTurn:
    """Ask the agent one thing; touches no database."""
    conversation = _conversation(agent)
    place = await sync_to_async(agent_place)(conversation)
    turn = _turn(conversation, text)
    began = time.monotonic()
    answer = failure = None
    async with agent_session() as session:
        try:
            answer = await answer_ask(agent, place, turn, session)
        except AgentFailedError as error:
            failure = error
    took = int((time.monotonic() - began) * 1000)
    return TrialTurn(said=text, milliseconds=took, answer=answer, error=failure)


def _start(request: HttpRequest, project_id: str) -> tuple[OutsideAgent | None, int]:
    project = project_for(request, project_id, Area.TOOLS, Access.EDIT)
    rows = OutsideAgent.objects.select_related("project__workspace")
    found = rows.filter(project=project).first()
    if found is None or not is_asked(found):
        return None, 0
    wait = retry_after(f"agent-test:{project_id}", limit=TESTS_PER_MINUTE, window_seconds=60)
    if not wait:
        audit_record(
            project=project, actor=request.user, action="outside_agent.tested", subject=found.kind
        )
    return found, wait


def _refuse(request: HttpRequest, project_id: str, wait: int) -> HttpResponse:
    if wait:
        messages.error(request, f"Too many tests. Try again in {wait} seconds.")
    else:
        messages.error(request, "Nothing to test: save an agent that Baton calls first.")
    return redirect("agent", project_id=project_id)


def _show(request: HttpRequest, agent: OutsideAgent, tried: TrialTurn) -> HttpResponse:
    outside_agent_error_note(agent, tried.error.code if tried.error else "")
    agent.refresh_from_db()
    return agent_page(request, agent, kind_of(agent.kind), tried=tried)


def _conversation(agent: OutsideAgent) -> Conversation:
    """Return a conversation that is stored nowhere."""
    return Conversation(
        project=agent.project,
        channel=Channel(project=agent.project, kind=Channel.Kind.WEBCHAT),
        end_user=EndUser(project=agent.project, external_id="test"),
        environment=Environment.SANDBOX,
        state=Conversation.State.BOT,
    )


def _turn(conversation: Conversation, text: str) -> AgentTurn:
    return AgentTurn(
        id=str(uuid.uuid4()),
        conversation={**conversation_told(conversation), "is_test": True},
        message={"id": str(uuid.uuid4()), "text": text, "attachments": []},
        history=[],
    )
