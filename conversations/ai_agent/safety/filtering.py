"""Look at an end user's text before the AI agent does: word lists, and a customer's own filter."""

from __future__ import annotations

import json
import re
import unicodedata
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings

from conversations.ai_agent.conv.parts import TurnLog, texts_said
from conversations.ai_agent.course import Turn
from conversations.models import Conversation, Event, SafetyFilter
from conversations.webhooks.sender import outward_route
from integrations.behaviour.sentences import sentence
from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient, open_session
from integrations.kit.plain_json import vendor_json
from integrations.kit.signatures import outbound_headers

CATEGORIES = {
    "violence": "Violence",
    "hate": "Hate",
    "sexual": "Sexual content",
    "self_harm": "Self-harm",
}
ACTIONS = {
    "off": "Nothing",
    "mark": "Let it pass, and mark it in the log",
    "block": "Answer with a sentence, the AI agent does not see it",
    "hand_off": "Hand off to a live agent, the AI agent does not see it",
}
# What the log says was done with a message.
_DONE = {
    "mark": "it passed",
    "block": "it was answered with a sentence, and the AI agent did not see it",
    "hand_off": "it was handed off, and the AI agent did not see it",
}
# The stricter one counts where a text falls into two.
_STRICT = ("off", "mark", "block", "hand_off")
SOURCE = "safety filter"
ANSWER_BYTES = 16_384
# What stands in a word without being seen: joiners, soft hyphens, the vowels and stretches of
# Arabic.
_UNSEEN = re.compile(
    r"[\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff\u0640\u064b-\u0652\u0670]"
)
# Scripts that put no blanks between words, or endings to them: Thai to Khmer, kana, Han, Hangul.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyOptions:
    """What a project has set: by category an action and words, and an address of its own."""

    actions: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, list[str]] = field(default_factory=dict)
    url: str = ""
    seconds: int = 2
    when_away: str = "mark"

    def as_dict(self) -> dict[str, Any]:
        """Return what is kept."""
        return asdict(self)

    def action_of(self, categories: Iterable[str]) -> str:
        """Return what happens to a text of some categories."""
        return _stricter(self.actions.get(one, "off") for one in categories)


def safety_turn(conversation: Conversation, event: Event) -> Turn | None:
    """Return the turn that takes the place of the AI agent's; None lets it answer."""
    if conversation.known is not None and not conversation.known.is_filtered:
        return None
    row = SafetyFilter.objects.filter(project_id=conversation.project_id, is_enabled=True).first()
    if row is None:
        return None
    options = SafetyOptions(**row.options)
    found, trouble = _found(row, options, conversation, str(event.payload.get("text", "")))
    unjudged = options.when_away if trouble else "off"
    action = _stricter([options.action_of(found), unjudged])
    if action == "off":
        return None
    named = ", ".join(CATEGORIES.get(one, one) for one in sorted(found))
    judged = f"was judged as {named}" if named else "was not judged"
    content = f"A message {judged}: {_DONE[action]}."
    log = TurnLog(
        level="warning",
        content=f"{content} {trouble}".strip(),
        source=SOURCE,
        code="safety_unjudged" if trouble else f"safety_{action}",
        fields={"categories": sorted(found), "action": action},
    )
    return _turn(conversation, action, log)


def _stricter(actions: Iterable[str]) -> str:
    return max(actions, key=_STRICT.index, default="off")


def categories_in(text: str, words: Mapping[str, list[str]]) -> set[str]:
    """Return the categories with a word or phrase that stands in a text, whole."""
    said = _plain(text)
    together = said.replace(" ", "")

    def stands(one: str) -> bool:
        wanted = _plain(one)
        if _UNSPACED.search(wanted):
            return wanted.replace(" ", "") in together
        return bool(wanted.strip()) and wanted in said

    return {category for category, listed in words.items() if any(map(stands, listed))}


def _turn(conversation: Conversation, action: str, log: TurnLog) -> Turn | None:
    if action == "mark":
        _mark(conversation, log)
        return None
    key = "handing_over" if action == "hand_off" else "safety_blocked"
    return Turn(
        messages=texts_said(sentence(key, conversation.tongue)),
        returned={"handoff": True} if action == "hand_off" else None,
        source=SOURCE,
        logs=[log],
    )


def _mark(conversation: Conversation, log: TurnLog) -> None:
    conversation.log.create(
        project_id=conversation.project_id,
        level=log.level,
        source=SOURCE,
        code=log.code,
        content=log.content,
        fields=dict(log.fields),
    )


def _found(
    row: SafetyFilter, options: SafetyOptions, conversation: Conversation, text: str
) -> tuple[set[str], str]:
    """Return the categories of a text, and what kept the customer's filter from judging it."""
    found = categories_in(text, options.words)
    if not options.url:
        return found, ""
    body = {
        "id": str(uuid.uuid4()),
        "conversation_id": conversation.pk,
        "project_id": conversation.project.public_id,
        "language": conversation.locale,
        "text": text,
    }
    try:
        told = async_to_sync(_asked)(options, str(row.secrets.get("signing_secret", "")), body)
    except ConnectorError as error:
        return found, f"The project’s own filter gave no answer ({error.reason or error.code})."
    except ValueError:
        return found, "The project’s own filter gave an answer that is none."
    known = told & set(CATEGORIES)
    trouble = (
        "The project’s own filter named a category that there is none." if told - known else ""
    )
    return found | known, trouble


async def _asked(options: SafetyOptions, secret: str, body: dict[str, Any]) -> set[str]:
    data = json.dumps(body, ensure_ascii=False).encode()
    async with open_session(
        allow_local=settings.ALLOW_LOCAL_AGENTS, route=outward_route()
    ) as session:
        http = HttpClient(session, allow_local=settings.ALLOW_LOCAL_AGENTS)
        response = await http.request(
            "safety filter",
            "POST",
            options.url,
            headers=outbound_headers([secret], data, body["id"]),
            data=data,
            timeout=float(options.seconds),
            max_bytes=ANSWER_BYTES,
        )
    answer = vendor_json(response.body)
    named = answer.get("categories") if isinstance(answer, Mapping) else None
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise ValueError("categories")
    return {re.sub(r"[\s_-]+", "_", one.strip().casefold()) for one in named}


def _plain(text: str) -> str:
    """Return a text as it is compared: without case, width, unseen signs and punctuation.

    A picture character is a word of its own.
    """
    seen = _UNSEEN.sub("", unicodedata.normalize("NFKC", text).casefold())
    return f" {' '.join(''.join(map(_part, seen)).split())} "


def _part(sign: str) -> str:
    kind = unicodedata.category(sign)
    if kind[0] in "LNM":
        return sign
    return f" {sign} " if kind == "So" else " "
