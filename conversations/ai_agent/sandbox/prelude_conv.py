"""Runs inside the sandbox, after prelude.py and before a tool: `conv` and what hangs on it.

What a tool asks for is only written down here, in `_baton_effects` and the lists beside it; the
portal checks it and carries it out. What needs an answer at once goes through `_baton_host`.
"""

from json import loads as _baton_json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conversations.ai_agent.sandbox.prelude import (
        AgentResponse,
        ChannelType,
        LiveAgentResponse,
        Log,
        State,
        UserInput,
        _baton_getattr,
        _baton_host,
    )

# The sandbox cannot derive exceptions; these names stand in `except` all the same.
SecretNotFound = KeyError
MissingAccess = PermissionError
# What the sandbox has no name for: it turns the kind into its wider one.
ConnectionError = OSError


class Attachment:
    """A link or a picture under the next message."""

    def __init__(
        self,
        content_url: str,
        content_type: str = "unspecified",
        title: Any = None,
        preview_image_url: Any = None,
        call_to_action: Any = None,
    ) -> None:
        self.content_url = content_url
        self.content_type = content_type
        self.title = title
        self.preview_image_url = preview_image_url
        self.call_to_action = call_to_action


class ChatCallAction:
    """A number to call, under the next message."""

    def __init__(self, contact_number: str, title: str) -> None:
        self.contact_number = contact_number
        self.title = title


class HandoffView:
    """The current or the last handoff of the conversation."""

    def __init__(self, view: dict[str, Any]) -> None:
        for name, value in view.items():
            setattr(self, name, value)


class HandoffConfig:
    """A destination to which this conversation can be handed off."""

    def __init__(self, view: dict[str, Any]) -> None:
        for name, value in view.items():
            setattr(self, name, value)


class Availability:
    """Whether somebody is there to take a handoff; None where nobody can tell."""

    def __init__(self, view: dict[str, Any]) -> None:
        for name, value in view.items():
            setattr(self, name, value)


class Variant:
    """A variant's attributes; one that it does not have is None."""

    def __init__(self, name: str, attributes: dict[str, str], names: list[str]) -> None:
        for one in names:
            setattr(self, one, None)
        self.name = name
        self.attributes = attributes
        for key, value in attributes.items():
            setattr(self, key, value)

    def get(self, name: str, default: Any = None) -> Any:
        return self.attributes.get(name, default)


class Entity:
    """Something that was read out of what the end user said; `value` is as they wrote it."""

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self.value = value

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return repr(self.value)


class Translations:
    """Texts by their key, in the conversation's language; None where there is none."""

    def __init__(self, texts: dict[str, str], names: list[str]) -> None:
        for one in names:
            setattr(self, one, None)
        self._baton_texts = texts
        for key, value in texts.items():
            setattr(self, key, value)

    def get(self, key: str, default: Any = None) -> Any:
        return self._baton_texts.get(key, default)

    def __getitem__(self, key: str) -> str:
        return self._baton_texts[key]


class ApiResponse:
    """What an API answered."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.status_code = answer["status_code"]
        self.text = answer["text"]
        self.headers = answer["headers"]
        self.url = answer["url"]
        self.ok = 200 <= answer["status_code"] < 300

    def json(self) -> Any:
        return _baton_json(self.text)

    def raise_for_status(self) -> None:
        if not self.ok:
            raise RuntimeError("the API answered " + str(self.status_code))


class Executor:
    """Holds what can be called by its name."""


class Webchat:
    """What only the webchat shows."""

    def __init__(self, conv: Any) -> None:
        self._baton_conv = conv

    def set_chat_call_actions(self, actions: list[Any]) -> None:
        self._baton_conv._baton_calls = list(actions)


class Utils:
    """Helpers beside the conversation."""

    def get_secret(self, name: str) -> Any:
        return _baton_host("get_secret", name=name, tool=_baton_running[-1])

    def prompt_llm(
        self, prompt: str, show_history: bool = False, return_json: bool = False, model: Any = None
    ) -> Any:
        answer = _baton_host("prompt_llm", prompt=prompt, show_history=show_history)
        return _baton_json(answer) if return_json else answer


class Conversation:
    """What a tool may see of the conversation, and ask for."""

    def __init__(self, snapshot: dict[str, Any], names: list[str]) -> None:
        for name, value in snapshot["plain"].items():
            setattr(self, name, value)
        self.memory: Any = snapshot["plain"]["memory"]
        self.channel_type = ChannelType(snapshot["channel_type"])
        self.state = State(snapshot["state"], names)
        self.history = [_baton_turn(item) for item in snapshot["history"]]
        self.handoff = HandoffView(snapshot["handoff"]) if snapshot["handoff"] else None
        self.handoffs = {n: HandoffConfig(one) for n, one in snapshot["handoffs"].items()}
        self.entities = {n: Entity(n, value) for n, value in snapshot["entities"].items()}
        self.variants = {n: Variant(n, one, names) for n, one in snapshot["variants"].items()}
        own = snapshot["plain"]["variant_name"]
        self.variant = self.variants.get(own) or (Variant(own, {}, names) if own else None)
        self.translations = Translations(snapshot["translations"], names)
        self.attachments: list[Any] = []
        self.response_suggestions: list[str] = []
        self.metrics_queue: list[dict[str, Any]] = []
        self.sms_queue: list[Any] = []
        self.log = Log()
        self.utils = Utils()
        self.webchat = Webchat(self)
        self.functions = Executor()
        self.api = Executor()
        self.integrations = Executor()
        self._baton_calls: list[Any] = []
        self._baton_said: list[str] = []
        self._baton_handoffs: list[dict[str, Any]] = []
        self._baton_effects: list[dict[str, Any]] = []

    def _baton_do(self, what: str, **values: Any) -> None:
        self._baton_effects.append({"do": what, **values})

    def say(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError("conv.say expects a text")
        self._baton_said.append(text)

    def call_handoff(
        self,
        destination: str,
        reason: Any = None,
        utterance: Any = None,
        sip_headers: Any = None,
        route: Any = None,
        data: Any = None,
        hints: Any = None,
    ) -> None:
        self._baton_handoffs.append(
            {
                "destination": destination,
                "reason": reason,
                "utterance": utterance,
                "sip_headers": sip_headers,
                "route": route,
                "data": data,
                "hints": hints,
            }
        )

    def check_availability(self, destination: str) -> Availability:
        return Availability(_baton_host("check_availability", destination=destination))

    def goto_flow(self, name: str) -> None:
        self._baton_do("goto_flow", name=name)

    def exit_flow(self) -> None:
        self._baton_do("exit_flow")

    def set_variant(self, name: str) -> None:
        self._baton_do("set_variant", name=name)

    def set_language(self, code: str) -> None:
        self._baton_do("set_language", code=code)
        self.language = code

    def add_attachments(self, attachments: list[Any]) -> None:
        self.attachments.extend(attachments)

    def set_response_suggestions(self, suggestions: list[str]) -> None:
        self.response_suggestions = list(suggestions)

    def write_metric(self, name: str, value: Any = None, *, write_once: bool = False) -> None:
        self.metrics_queue.append({"name": name, "value": value, "write_once": write_once})

    def generate_external_event(self, *, send_to_llm: bool = False) -> str:
        found: str = _baton_host("external_event", send_to_llm=send_to_llm)
        return found

    def log_api_response(self, response: Any, override_url: Any = None) -> None:
        url = override_url or getattr(response, "url", "")
        status = getattr(response, "status_code", None)
        self.log.info("API response", url=str(url), status_code=status)

    def disable_kb_topics(self, names: list[str]) -> None:
        self._baton_do("disable_kb_topics", names=list(names))

    def clear_disabled_kb_topics(self) -> None:
        self._baton_do("disable_kb_topics", names=[])

    def discard_recording(self) -> None:
        self._baton_do("discard_recording")


class Flow:
    """The flow of which a step runs the tool."""

    def __init__(self, conv: Conversation) -> None:
        self._baton_conv = conv
        self.name = _baton_getattr(conv, "current_flow")
        self.current_step = _baton_getattr(conv, "current_step")
        self.functions = conv.functions

    def goto_step(self, name: str, condition_label: Any = None) -> None:
        self._baton_conv._baton_do("goto_step", name=name)


def _baton_with_flow(arguments: dict[str, Any], conv: Conversation) -> dict[str, Any]:
    if "flow" in arguments:
        arguments["flow"] = Flow(conv)
    return arguments


_baton_running: list[str] = []
_baton_named: dict[str, Any] = {}


def _baton_turn(item: dict[str, str]) -> Any:
    if item["role"] == "user":
        return UserInput(item["text"])
    if item["role"] == "live_agent":
        return LiveAgentResponse(item["text"])
    return AgentResponse(item["text"])


def _baton_refusal(name: str, why: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(name + ": " + why)

    return refuse


def _baton_inert(conv: Conversation, name: str) -> Any:
    def note(*args: Any, **kwargs: Any) -> None:
        conv._baton_do("no_effect", name=name)

    return note


def _baton_operation(api: str, operation: str) -> Any:
    def call(**given: Any) -> ApiResponse:
        return ApiResponse(_baton_host("api", api=api, operation=operation, given=given))

    return call


def _baton_integration(name: str, operation: str) -> Any:
    def call(**given: Any) -> Any:
        return _baton_host("integration", name=name, operation=operation, given=given)

    return call


def _baton_function(conv: Conversation, name: str, source: str) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        if name not in _baton_named:
            space = {one: _baton_given[one] for one in _baton_given}
            exec(source, space)  # noqa: S102 - within the sandbox
            _baton_named[name] = space[name]
        _baton_running.append(name)
        try:
            return _baton_named[name](conv, *args, **kwargs)
        finally:
            _baton_running.pop()

    return call


# What the source of another tool finds defined, as the tool's own does.
_baton_given = {
    "UserInput": UserInput,
    "AgentResponse": AgentResponse,
    "LiveAgentResponse": LiveAgentResponse,
    "Attachment": Attachment,
    "ChatCallAction": ChatCallAction,
    "SecretNotFound": SecretNotFound,
    "MissingAccess": MissingAccess,
    "ConnectionError": ConnectionError,
    "getattr": getattr,
    "isinstance": isinstance,
}


def _baton_place(conv: Conversation, path: str) -> Any:
    target: Any = conv
    for part in path.split(".")[:-1]:
        target = _baton_getattr(target, part)
    return target


def _baton_open(snapshot: dict[str, Any], names: list[str], tool: str) -> Conversation:
    conv = Conversation(snapshot, names)
    _baton_running.append(tool)
    for path, why in snapshot["refused"].items():
        last = path.split(".")[-1]
        setattr(_baton_place(conv, path), last, _baton_refusal("conv." + path, why))
    for path in snapshot["inert"]:
        setattr(_baton_place(conv, path), path.split(".")[-1], _baton_inert(conv, "conv." + path))
    for name, source in snapshot["functions"].items():
        setattr(conv.functions, name, _baton_function(conv, name, source))
    for name, operations in snapshot["apis"].items():
        api = Executor()
        for operation in operations:
            setattr(api, operation, _baton_operation(name, operation))
        setattr(conv.api, name, api)
    for name in names if "integrations" in names else []:
        place = Executor()
        served = snapshot["integrations"].get(name, [])
        for one in names:
            path = "conv.integrations." + name + "." + one
            setattr(place, one, _baton_refusal(path, snapshot["no_integration"]))
        for one in served:
            setattr(place, one, _baton_integration(name, one))
        setattr(conv.integrations, name, place)
    return conv


def _baton_fields(items: Any, names: Any) -> list[Any]:
    return [
        item if type(item) is dict else {name: _baton_getattr(item, name, None) for name in names}
        for item in items
    ]


def _baton_collect(returned: Any, conv: Conversation) -> dict[str, Any]:
    link = ("content_url", "content_type", "title", "preview_image_url", "call_to_action")
    return {
        "kind": type(returned).__name__,
        "returned": returned,
        "said": conv._baton_said,
        "state": conv.state,
        "handoffs": conv._baton_handoffs,
        "logs": conv.log._baton_entries,
        "effects": conv._baton_effects,
        "attachments": _baton_fields(conv.attachments, link),
        "suggestions": conv.response_suggestions,
        "calls": _baton_fields(conv._baton_calls, ("contact_number", "title")),
        "metrics": conv.metrics_queue,
        "memory": conv.memory,
    }
