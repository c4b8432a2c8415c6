"""Runs inside the sandbox, before a tool: defines what the tool sees as `conv`.

The portal never imports this file; it feeds the text to a worker. It therefore keeps to the
sandbox's subset of Python: no inheritance, no `del`, no properties, no `__getattr__`.
Names that start with `_baton_` are ours; a tool that changes them harms only its own run,
because the portal checks everything that comes back.
"""

from typing import Any

_baton_getattr = getattr


class UserInput:
    """Something the end user said."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.role = "user"

    def to_dict(self) -> dict[str, str]:
        return {"type": "user", "text": self.text}

    def to_string(self) -> str:
        return "user: " + self.text


class AgentResponse:
    """Something the AI agent said, or a live agent (`is_live_agent`)."""

    def __init__(self, text: str, is_live_agent: bool) -> None:
        self.text = text
        self.role = "agent"
        self.is_live_agent = is_live_agent

    def to_dict(self) -> dict[str, str]:
        return {"type": "agent", "text": self.text}

    def to_string(self) -> str:
        return "agent: " + self.text


class ChannelType:
    """The channel's name; equals its short and its generic form as well as itself.

    It cannot be a real str, because the sandbox has no inheritance: use `str(…)` where a plain
    text is needed.
    """

    def __init__(self, value: str) -> None:
        self.value = value
        self._baton_short = value.split(".")[0]

    def __eq__(self, other: object) -> bool:
        short = self._baton_short
        return str(other) in (self.value, short, short + ".polyai")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return repr(self.value)

    def __contains__(self, part: str) -> bool:
        return part in self.value

    def __add__(self, other: str) -> str:
        return self.value + other

    def __radd__(self, other: str) -> str:
        return other + self.value

    def startswith(self, prefix: Any) -> bool:
        return self.value.startswith(prefix)

    def endswith(self, suffix: Any) -> bool:
        return self.value.endswith(suffix)

    def split(self, *args: Any) -> list[str]:
        return self.value.split(*args)

    def lower(self) -> str:
        return self.value.lower()

    def upper(self) -> str:
        return self.value.upper()


_baton_state_methods = (
    *("get", "pop", "setdefault", "update", "keys", "values", "items", "copy"),
    *("_baton_known", "_baton_other", "_baton_names"),
)


def _baton_is_attribute(key: object) -> bool:
    return isinstance(key, str) and key not in _baton_state_methods


class State:
    """The conversation's state: items and attributes are the same, a missing attribute is None.

    The sandbox cannot answer for attributes that do not exist, so every attribute name in the
    tool's source is set to None beforehand; `_baton_known` tells such a None from a stored one.
    """

    def __init__(self, items: dict[str, Any], names: list[str]) -> None:
        self._baton_known: dict[str, bool] = {}
        self._baton_other: dict[Any, Any] = {}
        self._baton_names = [name for name in names if _baton_is_attribute(name)]
        for name in self._baton_names:
            setattr(self, name, None)
        for key, value in items.items():
            self[key] = value

    def __setitem__(self, key: Any, value: Any) -> None:
        if _baton_is_attribute(key):
            setattr(self, key, value)
            self._baton_known[key] = True
        else:
            self._baton_other[key] = value

    def __contains__(self, key: Any) -> bool:
        if not _baton_is_attribute(key):
            return key in self._baton_other
        return key in self._baton_known or _baton_getattr(self, key, None) is not None

    def __getitem__(self, key: Any) -> Any:
        if key not in self:
            raise KeyError(key)
        return self.get(key)

    def __iter__(self) -> Any:
        return iter(self.keys())

    def get(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            return default
        if _baton_is_attribute(key):
            return _baton_getattr(self, key)
        return self._baton_other[key]

    def pop(self, key: Any, *default: Any) -> Any:
        if key not in self:
            if default:
                return default[0]
            raise KeyError(key)
        value = self.get(key)
        if _baton_is_attribute(key):
            setattr(self, key, None)
            self._baton_known.pop(key, None)
        else:
            self._baton_other.pop(key)
        return value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self.get(key)

    def update(self, items: Any = (), **more: Any) -> None:
        for key, value in {**dict(items), **more}.items():
            self[key] = value

    def keys(self) -> list[Any]:
        found = list(self._baton_known)
        found.extend([name for name in self._baton_names if name not in found and name in self])
        return found + list(self._baton_other)

    def values(self) -> list[Any]:
        return [self.get(key) for key in self.keys()]

    def items(self) -> list[Any]:
        return [(key, self.get(key)) for key in self.keys()]

    def copy(self) -> dict[Any, Any]:
        return {key: self.get(key) for key in self.keys()}


def getattr(target: Any, name: str, *default: Any) -> Any:
    """As the builtin, but a missing key of the state is None here too."""
    if type(target) is State:
        return _baton_getattr(target, name, None)
    return _baton_getattr(target, name, *default)


class Log:
    """Collects what the tool writes to the project's log."""

    def __init__(self) -> None:
        self._baton_entries: list[dict[str, Any]] = []

    def _baton_add(self, level: str, message: Any, is_pii: bool, fields: dict[str, Any]) -> None:
        entry = {"level": level, "content": str(message), "is_pii": bool(is_pii), "fields": fields}
        self._baton_entries.append(entry)

    def info(self, message: Any, is_pii: bool = False, **fields: Any) -> None:
        self._baton_add("info", message, is_pii, fields)

    def warning(self, message: Any, is_pii: bool = False, **fields: Any) -> None:
        self._baton_add("warning", message, is_pii, fields)

    def error(self, message: Any, is_pii: bool = False, **fields: Any) -> None:
        self._baton_add("error", message, is_pii, fields)


class HandoffView:
    """The current or the last handoff of the conversation."""

    def __init__(self, view: dict[str, Any]) -> None:
        for name, value in view.items():
            setattr(self, name, value)


class Utils:
    """Holds documented helpers; those not served here say so when called."""


class Conversation:
    """What a tool may see of the conversation, and ask for."""

    def __init__(self, snapshot: dict[str, Any], names: list[str]) -> None:
        for name, value in snapshot["plain"].items():
            setattr(self, name, value)
        self.channel_type = ChannelType(snapshot["channel_type"])
        self.state = State(snapshot["state"], names)
        self.history = [_baton_turn(item) for item in snapshot["history"]]
        self.handoff = HandoffView(snapshot["handoff"]) if snapshot["handoff"] else None
        self.log = Log()
        self.utils = Utils()
        self._baton_said: list[str] = []
        self._baton_handoffs: list[dict[str, Any]] = []

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


def _baton_turn(item: dict[str, str]) -> Any:
    if item["role"] == "user":
        return UserInput(item["text"])
    return AgentResponse(item["text"], item["role"] == "live_agent")


def _baton_unserved(name: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(name + " is not available in this version of the portal")

    return refuse


def _baton_open(snapshot: dict[str, Any], names: list[str]) -> Conversation:
    conv = Conversation(snapshot, names)
    for name in snapshot["unserved"]:
        setattr(conv, name, _baton_unserved("conv." + name))
    for name in snapshot["unserved_utils"]:
        setattr(conv.utils, name, _baton_unserved("conv.utils." + name))
    return conv


def _baton_collect(returned: Any, conv: Conversation) -> dict[str, Any]:
    return {
        "kind": type(returned).__name__,
        "returned": returned,
        "said": conv._baton_said,
        "state": conv.state,
        "handoffs": conv._baton_handoffs,
        "logs": conv.log._baton_entries,
    }
