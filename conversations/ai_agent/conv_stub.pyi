# What `conv` offers to a tool, for the type check at save time. The run-time twin is
# sandbox_prelude.py; a test compares the two.
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

class Utils:
    def get_secret(self, *args: Any, **kwargs: Any) -> Any: ...
    def prompt_llm(self, *args: Any, **kwargs: Any) -> Any: ...

class Conversation:
    id: str
    account_id: str
    project_id: str
    env: str
    channel_type: ChannelType
    language: str
    state: State
    history: list[Any]
    transcript: list[dict[str, Any]]
    transcript_alternatives: list[str]
    handoff: HandoffView | None
    variant_name: str | None
    integration_attributes: dict[str, Any] | None
    caller_number: str | None
    callee_number: str | None
    current_flow: str | None
    current_step: str | None
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
