"""What `conv` serves of the reference product, name by name: the docs and a test go by this.

Each row's example runs in the sandbox: what works gives what it says, what has no effect is noted,
and what is refused says why.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Support(enum.Enum):
    """How much of a name there is."""

    WORKS = "works"
    EMPTY = "there, and empty"
    NO_EFFECT = "no effect, logged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One attribute or call of `conv`.

    `example` is the body of a tool; what it returns is what `gives` says, as a text.
    """

    name: str
    about: str
    example: str
    gives: str = "ok"
    support: Support = Support.WORKS

    @property
    def is_call(self) -> bool:
        """Say whether it is called rather than read."""
        return self.name.endswith(")")

    @property
    def path(self) -> str:
        """Return the name without what stands in brackets, such as utils.get_secret."""
        return self.name.partition("(")[0]


def _reads(name: str, about: str, gives: str, expression: str = "") -> Served:
    shown = expression or f"conv.{name}"
    return Served(name=name, about=about, example=f"return str({shown})", gives=gives)


def _empty(name: str, about: str, gives: str) -> Served:
    example = f"return str(conv.{name})"
    return Served(name=name, about=about, example=example, gives=gives, support=Support.EMPTY)


def _inert(name: str, arguments: str, about: str) -> Served:
    example = f"conv.{name}({arguments})\nreturn 'ok'"
    return Served(name=f"{name}(…)", about=about, example=example, support=Support.NO_EFFECT)


def _refused(name: str, arguments: str, why: str) -> Served:
    example = f"conv.{name}({arguments})"
    return Served(name=f"{name}(…)", about=why, example=example, support=Support.REFUSED)


ATTRIBUTES = (
    _reads("id", "the conversation's id", "CONV-1"),
    _reads("account_id", "the workspace's id", "ws-1"),
    _reads("project_id", "the project's id", "PROJECT-1"),
    _reads("env", "`sandbox`, `pre-release` or `live`", "live"),
    _reads(
        "channel_type",
        '`webchat.polyai`; equals `"webchat"` too. Use `str(conv.channel_type)` where a plain '
        "text is needed",
        "webchat.polyai",
    ),
    _reads(
        "integration_attributes",
        "what the client gave when it opened the session",
        "/pricing",
        "conv.integration_attributes['page']",
    ),
    _reads(
        "caller_number",
        "the verified end user's e-mail, else your own id of them; `None` for anonymous ones",
        "ada@example.com",
    ),
    _empty("callee_number", "always `None`: the webchat has no number", "None"),
    _reads(
        "state",
        "what this and earlier tools stored; a missing attribute is `None`, a missing item a "
        "`KeyError`",
        "7 None",
        "f'{conv.state.order} {conv.state.missing}'",
    ),
    _reads(
        "entities",
        "what was read out of what the end user said, by name: what a flow has collected, the "
        "arguments that they gave, and of the last message `email`, `date`, `phone_number`, "
        "`alphanumeric`, `numeric`; `.value` is as they wrote it",
        "A-7",
        "conv.entities['order'].value",
    ),
    _reads("current_flow", "the flow that is under way, or `None`", "returns"),
    _reads("current_step", "its step, or `None`", "ask"),
    _reads(
        "history",
        "turns, oldest first: `UserInput`, `AgentResponse` and `LiveAgentResponse` (which "
        "`isinstance` takes for an `AgentResponse` too) with `text`, `role`, `to_dict()` and "
        "`to_string()`",
        "['user', 'agent', 'agent'] True",
        "f'{[turn.role for turn in conv.history]} {isinstance(conv.history[2], AgentResponse)}'",
    ),
    _reads(
        "transcript",
        "dicts of `ts`, `sender` (`user`, `bot`, `live_agent`, `system`), `text`, `attachments`",
        "hi",
        "conv.transcript[0]['text']",
    ),
    _reads("transcript_alternatives", "a list with the last text of the end user", "['hi']"),
    _reads(
        "handoffs",
        "where this conversation can be handed off, by name: `name`, `description`, `kind`, "
        "`integration`, `is_default`",
        "True",
        "str(conv.handoffs['Billing'].integration.endswith('_integration'))",
    ),
    _reads(
        "handoff",
        "the current or last handoff or `None`: `id`, `integration`, `status`, `reason`, "
        "`agent_name`, `vendor_conversation_id`, `started_at`, `ended_at`, `end_reason`",
        "Grace",
        "conv.handoff.agent_name",
    ),
    _reads("variant_name", "the variant of the session, or `None`", "north"),
    _reads(
        "variant",
        "its attributes, all texts; one that it does not have is `None`",
        "Oslo None",
        "f'{conv.variant.city} {conv.variant.street}'",
    ),
    _reads("variants", "all variants by their names", "['north', 'south']", "list(conv.variants)"),
    _empty("sms_templates", "always `{}`: there are no templates of texts", "{}"),
    _empty("sms_queue", "always `[]`", "[]"),
    _reads("language", "the conversation's language tag, `en` where the client gave none", "en-GB"),
    _reads(
        "real_time_config",
        "the values of **Build > Tools > Values**; they act as soon as they are saved",
        "9",
        "conv.real_time_config['opens_at']",
    ),
    _reads(
        "memory",
        "a dict that is kept for a verified end user across conversations, 16 KB; `None` for "
        "anonymous ones",
        "4",
        "conv.memory['visits']",
    ),
    _reads("attachments", "what the next message carries; see `add_attachments`", "[]"),
    _reads("response_suggestions", "what the next message offers", "[]"),
    _reads(
        "metric_events",
        "what was written in earlier turns: dicts of `name`, `value`, `at`",
        "greeted",
        "conv.metric_events[0]['name']",
    ),
    _reads("metrics_queue", "what this tool has written", "[]"),
    _empty(
        "generic_external_events",
        "always `[]`: there is no address yet at which events could arrive",
        "[]",
    ),
    _reads(
        "translations",
        "the texts of **Build > Tools > Values** in the conversation's language; a missing one is "
        "`None`",
        "Hello None",
        "f'{conv.translations.hello} {conv.translations.missing}'",
    ),
    Served(
        name="functions",
        about="the project's other tools: `conv.functions.name(…)` runs one with the same `conv`",
        example="return conv.functions.double(4)",
        gives="8",
    ),
    Served(
        name="api",
        about="those of **Configure > Tool APIs**: `conv.api.name.operation(…)` gives "
        "`status_code`, `ok`, `text`, `headers` and `json()`",
        example="return str(conv.api.orders.get(number='A-7').json()['state'])",
        gives="sent",
    ),
    Served(
        name="integrations",
        about="connected systems that tools can call, such as "
        "`conv.integrations.<name>.find_contacts(email=…)`: see "
        "[what each offers](integrations_for_tools.md)",
        example="return conv.integrations.crm.find_contacts(email='a')[0]['Name']",
        gives="Ada",
    ),
    _reads(
        "context_vault",
        "what the customer's server vouches for in this session; `{}` without a valid token",
        "gold",
        "conv.context_vault['tier']",
    ),
    _empty("sip_headers", "always `{}`: there is no telephone", "{}"),
    _empty("voice_change", "always `None`", "None"),
    _empty("agentic_dial", "always `None`", "None"),
)

CALLS = (
    Served(
        name="say(text)",
        about="says this instead of the utterance; each call is a message",
        example="conv.say('one')\nreturn 'ok'",
    ),
    Served(
        name="goto_flow(name)",
        about="begins the flow when the tool has returned; a name that no flow has is logged",
        example="conv.exit_flow()\nconv.goto_flow('returns')\nreturn 'ok'",
    ),
    Served(
        name="exit_flow()",
        about="leaves the flow; a later `goto_flow` wins",
        example="conv.exit_flow()\nreturn 'ok'",
    ),
    Served(
        name="call_handoff(destination, reason, utterance, sip_headers, route, data, hints)",
        about="hands over when the tool has returned, once in a turn. `route` is the queue, `data` "
        "goes to the Handoff API, `sip_headers` become attributes",
        example="return conv.call_handoff('Billing', reason='refund') or 'ok'",
    ),
    Served(
        name="check_availability(destination)",
        about="asks who is there: `available` (`None` where nobody can tell), `queue`, "
        "`position_estimate`, `estimated_wait_seconds`, `business_hours_open`, `checked_at`",
        example="return str(conv.check_availability('Billing').available)",
        gives="True",
    ),
    Served(
        name="set_variant(name)",
        about="changes the variant from the next turn on; one that does not exist is logged",
        example="conv.set_variant('south')\nreturn 'ok'",
    ),
    Served(
        name="set_language(code)",
        about="changes the conversation's language at once, and tells the client "
        "(`LANGUAGE_CHANGED`)",
        example="conv.set_language('de')\nreturn conv.language",
        gives="de",
    ),
    Served(
        name="add_attachments([Attachment(content_url, content_type, title, preview_image_url, "
        "call_to_action)])",
        about="puts links (`weblink`) and pictures (`image`) under the next message; addresses "
        "begin with https://",
        example="conv.add_attachments([Attachment('https://example.com', title='Shop')])\n"
        "return conv.attachments[0].title",
        gives="Shop",
    ),
    Served(
        name="set_response_suggestions([text])",
        about="offers replies under the next message; a later call replaces them",
        example="conv.set_response_suggestions(['Yes', 'No'])\n"
        "return str(conv.response_suggestions)",
        gives="['Yes', 'No']",
    ),
    Served(
        name="webchat.set_chat_call_actions([ChatCallAction(contact_number, title)])",
        about="offers numbers to call under the next message",
        example="conv.webchat.set_chat_call_actions([ChatCallAction('+4930123', 'Call us')])\n"
        "return 'ok'",
    ),
    _refused("send_sms", "'+1', '+2', 'x'", "a tool texts nobody; `POST /v1/outbound-sms` does"),
    _refused("send_sms_template", "'+1', 'x'", "a tool texts nobody; `POST /v1/outbound-sms` does"),
    _refused("send_whatsapp", "'x'", "no WhatsApp provider is connected in this portal"),
    _refused("send_content_template", "'x'", "no provider of message templates is connected"),
    _refused("send_email", "'x'", "tools cannot send e-mail; call your own mailer by conv.api"),
    Served(
        name="write_metric(name, value=None, *, write_once=False)",
        about="keeps a figure with the conversation, for the Conversations API (`metrics`)",
        example="conv.write_metric('orders', 2)\nreturn conv.metrics_queue[0]['name']",
        gives="orders",
    ),
    _refused("generate_external_event", "", "there is no address yet at which events could arrive"),
    Served(
        name="log_api_response(response, override_url=None)",
        about="writes address and status to the log, never the body",
        example="conv.log_api_response(conv.api.orders.get(number='A-7'))\nreturn 'ok'",
    ),
    _inert("set_csat_eligibility", "True", "the survey follows the settings of its channel"),
    _inert("set_csat_score", "5", "the survey follows the settings of its channel"),
    _inert("goto_csat_flow", "", "the survey follows the settings of its channel"),
    Served(
        name="disable_kb_topics([names])",
        about="takes topics out of this conversation's matching; a later call replaces the list",
        example="conv.disable_kb_topics(['Refunds'])\nreturn 'ok'",
    ),
    Served(
        name="clear_disabled_kb_topics()",
        about="lets all topics match again",
        example="conv.clear_disabled_kb_topics()\nreturn 'ok'",
    ),
    Served(
        name="discard_recording()",
        about="gives no transcript to a vendor, and blackens what was said when the conversation "
        "has ended",
        example="conv.discard_recording()\nreturn 'ok'",
    ),
    _inert("set_voice", "'x'", "there is no voice"),
    _inert("randomize_voice", "['x']", "there is no voice"),
    _inert("set_asr_biasing", "['x']", "there is no speech recognition"),
    _inert("clear_asr_biasing", "", "there is no speech recognition"),
    Served(
        name="log.info(message, is_pii=False, **fields)",
        about="writes to **Operate > Log**; `log.warning` and `log.error` alike. `is_pii=True` "
        "marks personal data",
        example="conv.log.info('seen', order=7)\nconv.log.warning('a')\nconv.log.error('b')\n"
        "return 'ok'",
    ),
    Served(
        name="utils.get_secret(name)",
        about="a text, or a dict of texts, of **Configure > Secrets**; raises `SecretNotFound`, "
        "or `MissingAccess` where this tool may not read it",
        example="return str(len(conv.utils.get_secret('shop')))",
        gives="6",
    ),
    _refused("utils.prompt_llm", "'x'", "no language model is configured for tools"),
)

ALL = (*ATTRIBUTES, *CALLS)
INERT: tuple[str, ...] = tuple(one.path for one in ALL if one.support is Support.NO_EFFECT)
REFUSED: Mapping[str, str] = {
    one.path: one.about for one in ALL if one.support is Support.REFUSED and one.is_call
}
NO_INTEGRATIONS = "there is no such call; see docs/integrations_for_tools.md, or use conv.api"
