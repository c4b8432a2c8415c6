"""Runs inside the sandbox, before prelude_conv.py and the tool: what `conv` is made of.

The portal never imports these files; it feeds their text to a worker. They therefore keep to the
sandbox's subset of Python: no inheritance, no `del`, no properties, no `__getattr__`.
Names that start with `_baton_` are ours; a tool that changes them harms only its own run,
because the portal checks everything that comes back.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:

    def _baton_host(name: str, /, **given: Any) -> Any: ...


_baton_getattr = getattr
_baton_isinstance = isinstance


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
    """Something the AI agent said; a live agent's turn is a LiveAgentResponse."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.role = "agent"
        self.is_live_agent = False

    def to_dict(self) -> dict[str, str]:
        return {"type": "agent", "text": self.text}

    def to_string(self) -> str:
        return "agent: " + self.text


class LiveAgentResponse:
    """Something a live agent said; `isinstance` takes it for an AgentResponse as well."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.role = "agent"
        self.is_live_agent = True

    def to_dict(self) -> dict[str, str]:
        return {"type": "agent", "text": self.text}

    def to_string(self) -> str:
        return "agent: " + self.text


def isinstance(value: Any, kinds: Any) -> bool:
    """As the builtin; the sandbox has no inheritance, so a subclass is told here."""
    if _baton_isinstance(value, kinds):
        return True
    if type(value) is not LiveAgentResponse:
        return False
    return AgentResponse in (kinds if type(kinds) is tuple else (kinds,))


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
