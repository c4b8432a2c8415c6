# What `conv` offers to a tool, for the type check at save time and for the editor's completion.
# The run-time twins are sandbox/prelude.py and prelude_conv.py; a test compares them.
from typing import Any

class UserInput:
    text: str
    role: str
    def to_dict(self) -> dict[str, str]: ...
    def to_string(self) -> str: ...

class AgentResponse:
    text: str
    role: str
    is_live_agent: bool
    def to_dict(self) -> dict[str, str]: ...
    def to_string(self) -> str: ...

class LiveAgentResponse(AgentResponse): ...
class SecretNotFound(KeyError): ...  # noqa: N818 - the documented name
class MissingAccess(PermissionError): ...  # noqa: N818 - the documented name

class Attachment:
    content_url: str
    content_type: str
    title: str | None
    preview_image_url: str | None
    call_to_action: str | None
    def __init__(
        self,
        content_url: str,
        content_type: str = ...,
        title: str | None = ...,
        preview_image_url: str | None = ...,
        call_to_action: str | None = ...,
    ) -> None: ...

class ChatCallAction:
    contact_number: str
    title: str
    def __init__(self, contact_number: str, title: str) -> None: ...

class ChannelType(str):
    value: str

class State(dict[str, Any]):
    def __getattr__(self, name: str) -> Any: ...
    def __setattr__(self, name: str, value: Any) -> None: ...

class Log:
    def info(self, message: object, is_pii: bool = False, **fields: Any) -> None: ...
    def warning(self, message: object, is_pii: bool = False, **fields: Any) -> None: ...
    def error(self, message: object, is_pii: bool = False, **fields: Any) -> None: ...

class HandoffView:
    id: str
    integration: str
    status: str
    reason: str | None
    agent_name: str | None
    vendor_conversation_id: str | None
    started_at: str | None
    ended_at: str | None
    end_reason: str | None

class HandoffConfig:
    name: str
    description: str
    kind: str
    integration: str
    is_default: bool

class Availability:
    available: bool | None
    queue: str | None
    position_estimate: int | None
    estimated_wait_seconds: int | None
    business_hours_open: bool | None
    checked_at: str

class Variant:
    name: str
    attributes: dict[str, str]
    def get(self, name: str, default: Any = ...) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...

class Entity:
    name: str
    value: str

class Translations:
    def get(self, key: str, default: Any = ...) -> Any: ...
    def __getitem__(self, key: str) -> str: ...
    def __getattr__(self, name: str) -> Any: ...

class ApiResponse:
    status_code: int
    text: str
    headers: dict[str, str]
    url: str
    ok: bool
    def json(self) -> Any: ...
    def raise_for_status(self) -> None: ...

class Executor:
    def __getattr__(self, name: str) -> Any: ...

class Webchat:
    def set_chat_call_actions(self, actions: list[ChatCallAction]) -> None: ...

class Utils:
    def get_secret(self, name: str) -> Any: ...
    def prompt_llm(
        self, prompt: str, show_history: bool = ..., return_json: bool = ..., model: Any = ...
    ) -> Any: ...

# Of a flow's step: the second argument of its tool.
class Flow:
    name: str | None
    current_step: str | None
    functions: Executor
    def goto_step(self, name: str, condition_label: str | None = ...) -> None: ...

class Conversation:
    id: str
    account_id: str
    project_id: str
    env: str
    channel_type: ChannelType
    language: str
    state: State
    entities: dict[str, Entity]
    history: list[Any]
    transcript: list[dict[str, Any]]
    transcript_alternatives: list[str]
    handoffs: dict[str, HandoffConfig]
    handoff: HandoffView | None
    variant_name: str | None
    variant: Variant | None
    variants: dict[str, Variant]
    integration_attributes: dict[str, Any] | None
    caller_number: str | None
    callee_number: str | None
    current_flow: str | None
    current_step: str | None
    sms_templates: dict[str, Any]
    sms_queue: list[Any]
    real_time_config: dict[str, Any]
    memory: dict[str, Any] | None
    attachments: list[Attachment]
    response_suggestions: list[str]
    metric_events: list[dict[str, Any]]
    metrics_queue: list[dict[str, Any]]
    generic_external_events: list[dict[str, Any]]
    translations: Translations
    functions: Executor
    api: Executor
    integrations: Executor
    webchat: Webchat
    context_vault: dict[str, Any]
    sip_headers: dict[str, str]
    voice_change: Any
    agentic_dial: Any
    log: Log
    utils: Utils
    def say(self, text: str) -> None: ...
    def call_handoff(
        self,
        destination: str,
        reason: str | None = ...,
        utterance: str | None = ...,
        sip_headers: dict[str, str] | None = ...,
        route: str | None = ...,
        data: dict[str, Any] | None = ...,
        hints: dict[str, Any] | None = ...,
    ) -> None: ...
    def check_availability(self, destination: str) -> Availability: ...
    def goto_flow(self, name: str) -> None: ...
    def exit_flow(self) -> None: ...
    def set_variant(self, name: str) -> None: ...
    def set_language(self, code: str) -> None: ...
    def add_attachments(self, attachments: list[Attachment]) -> None: ...
    def set_response_suggestions(self, suggestions: list[str]) -> None: ...
    def write_metric(self, name: str, value: Any = ..., *, write_once: bool = ...) -> None: ...
    def generate_external_event(self, *, send_to_llm: bool = ...) -> str: ...
    def log_api_response(self, response: Any, override_url: str | None = ...) -> None: ...
    def disable_kb_topics(self, names: list[str]) -> None: ...
    def clear_disabled_kb_topics(self) -> None: ...
    def discard_recording(self) -> None: ...
    # Refused, or without effect: sandbox/served.py says why.
    def send_sms(self, *args: Any, **kwargs: Any) -> Any: ...
    def send_sms_template(self, *args: Any, **kwargs: Any) -> Any: ...
    def send_whatsapp(self, *args: Any, **kwargs: Any) -> Any: ...
    def send_content_template(self, *args: Any, **kwargs: Any) -> Any: ...
    def send_email(self, *args: Any, **kwargs: Any) -> Any: ...
    def set_csat_eligibility(self, eligible: bool, reason: str | None = ...) -> None: ...
    def set_csat_score(self, score: int) -> None: ...
    def goto_csat_flow(self) -> None: ...
    def set_voice(self, *args: Any, **kwargs: Any) -> None: ...
    def randomize_voice(self, *args: Any, **kwargs: Any) -> None: ...
    def set_asr_biasing(self, *args: Any, **kwargs: Any) -> None: ...
    def clear_asr_biasing(self, *args: Any, **kwargs: Any) -> None: ...
