"""Reads environment variables; what cannot be meant so is kept for a system check to tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ

_QUOTES = "\"'\u201c\u201d\u2018\u2019`"
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_BYTES = {"k": 1024, "m": 1024**2, "g": 1024**3}
_BOOLEANS = frozenset({"true", "on", "ok", "y", "yes", "1", "false", "off", "n", "no", "0", ""})
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_HOST = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
_DATABASES = ("postgres", "postgresql", "pgsql", "psql", "sqlite")
_MAILS = (
    "smtp",
    "smtps",
    "smtp+tls",
    "smtp+ssl",
    "consolemail",
    "filemail",
    "memorymail",
    "dummymail",
)
_ESCAPES = "# is %23, / is %2F, ? is %3F, @ is %40, : is %3A and % is %25"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingProblem:
    """What is wrong with a variable, without a value that may be secret; and the cure."""

    name: str
    text: str
    cure: str


class SettingValues(environ.Env):  # type: ignore[misc]  # the package has no types
    """The environment; a value that cannot be meant so counts as not given."""

    def __init__(self) -> None:
        """Have no problem yet."""
        super().__init__()
        self._problems: dict[str, SettingProblem] = {}

    @property
    def problems(self) -> list[SettingProblem]:
        """Return what was found, one problem a variable."""
        return [*self._problems.values()]

    def get_value(
        self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **more: Any
    ) -> Any:
        """Return a variable as the package reads it, or its default where that cannot be."""
        given = self.ENVIRON.get(var)
        if given is None:
            return super().get_value(var, cast=cast, default=default, **more)
        text = given.strip()
        bare = text.strip(_QUOTES).strip()
        found = _problem(var, bare, cast, default)
        if bare != text:
            cure = f"Take the quotes away: what stands behind {var}= is taken as it is."
            found = SettingProblem(name=var, text=f"{var} has quotes around its value.", cure=cure)
        if found is None and cast is list:
            return [part.strip() for part in bare.split(",") if part.strip()]
        if found is None:
            return self.parse_value(bare, cast)
        self._problems.setdefault(var, found)
        return default


def _problem(name: str, text: str, cast: Any, default: Any) -> SettingProblem | None:
    """Return what is wrong with a value without its quotes."""
    if text.startswith("$"):
        told, cure = "begins with $", "Write the value itself: variables are not put in"
    elif cast in (int, float):
        told, cure = _number_problem(name, text, cast, default)
    elif cast is bool:
        told = "" if text.lower() in _BOOLEANS else f"is “{text[:40]}”, which is neither"
        cure = f"Write {name}=true or {name}=false"
    else:
        told, cure = _SHAPES[name](text) if name in _SHAPES and text else ("", "")
    return SettingProblem(name=name, text=f"{name} {told}.", cure=f"{cure}.") if told else None


def _number_problem(name: str, text: str, cast: Any, default: Any) -> tuple[str, str]:
    pattern = r"[0-9]+" if cast is int else r"[0-9]+(\.[0-9]+)?"
    if re.fullmatch(pattern, text):
        return "", ""
    kind = "whole number" if cast is int else "number"
    what = next(
        (f" of {unit}" for unit in ("seconds", "bytes", "days") if unit in name.lower()), ""
    )
    return (
        f"is “{text[:40]}”, and is a {kind}{what}",
        f"Write {name}={_number_meant(name, text) or default}",
    )


def _number_meant(name: str, text: str) -> str:
    """Return the number that somebody meant who wrote a unit or separators, as far as one knows."""
    found = re.fullmatch(r"([0-9][0-9 _,']*(?:\.[0-9]+)?)\s*([A-Za-z]*)(?:/\w+)?", text)
    if found is None:
        return ""
    number, unit = float(re.sub(r"[ _,']", "", found[1])), found[2].lower()
    factor = 1
    if "SECONDS" in name:
        factor = _SECONDS.get(unit, _SECONDS.get(unit[:3], _SECONDS.get(unit[:1], 1)))
    elif "BYTES" in name:
        factor = _BYTES.get(unit[:1], 1)
    return f"{number * factor:g}" if number * factor < 1e6 else str(int(number * factor))


def _public_url(text: str) -> tuple[str, str]:
    parts = _parts(text)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return "is no address", "Write scheme and host, as in PUBLIC_URL=https://chat.example.com"
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        cure = f"Write PUBLIC_URL={parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return "has more than scheme, host and port", cure
    return "", ""


def _allowed_hosts(text: str) -> tuple[str, str]:
    for entry in filter(None, (part.strip() for part in text.split(","))):
        if not _HOST.fullmatch(entry):
            meant = _host_meant(entry)
            cure = f"Write {meant} for it" if meant else "Write host names with commas between"
            return f"has “{entry[:80]}”, which is no host name", cure
    return "", ""


def _host_meant(entry: str) -> str:
    bare = entry.strip(_QUOTES + " ")
    parts = _parts(bare if "://" in bare else f"//{bare}")
    host = (parts.hostname or "") if parts else ""
    return host.removeprefix("*") if _HOST.fullmatch(host.removeprefix("*")) else ""


def _store(name: str, schemes: tuple[str, ...], example: str) -> Callable[[str], tuple[str, str]]:
    """Judge the URL of a store, whose password may hold what ends a part of a URL."""

    def judge(text: str) -> tuple[str, str]:
        scheme, separator, rest = text.partition("://")
        if not separator or scheme not in schemes:
            return "is no URL of a kind that is known", f"Write it as in {name}={example}"
        password, at, _ = rest.rpartition("@")
        is_file = scheme in ("sqlite", "unix")
        if "#" in rest or (at and not is_file and re.search(r"[/?@]", password)):
            cure = f"In its user name and password {_ESCAPES}"
            return "has a character in its user name or password that ends them", cure
        is_cluster = "," in rest
        if not is_file and not is_cluster and _parts(text) is None:
            cure = f"Write it as in {name}={example}. In its password {_ESCAPES}"
            return "cannot be taken apart", cure
        return "", ""

    return judge


def _log_level(text: str) -> tuple[str, str]:
    if text in _LEVELS:
        return "", ""
    meant = text.upper() if text.upper() in _LEVELS else "INFO"
    return f"is “{text[:40]}”, which is no level", f"Write LOG_LEVEL={meant}"


def _scanner(text: str) -> tuple[str, str]:
    parts = _parts(text)
    is_known = text.startswith("unix:/") or (
        parts is not None and parts.scheme == "tcp" and bool(parts.hostname and parts.port)
    )
    cure = "Write unix:/run/clamav/clamd.ctl or tcp://127.0.0.1:3310, with your path or address"
    return ("", "") if is_known else ("is no address of ClamAV's daemon", cure)


def _admin_path(text: str) -> tuple[str, str]:
    is_path = re.fullmatch(r"/?[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?", text) is not None
    return ("", "") if is_path else ("is no path", "Write the path alone, as in ADMIN_PATH=admin")


def _folder(text: str) -> tuple[str, str]:
    is_home = text.startswith("~")
    return (
        ("begins with ~, which no shell reads here", "Write the whole path")
        if is_home
        else ("", "")
    )


def _parts(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts


_SHAPES: dict[str, Callable[[str], tuple[str, str]]] = {
    "PUBLIC_URL": _public_url,
    "ALLOWED_HOSTS": _allowed_hosts,
    "DATABASE_URL": _store("DATABASE_URL", _DATABASES, "postgres://user:password@host:5432/name"),
    "REDIS_URL": _store("REDIS_URL", ("redis", "rediss", "unix"), "redis://127.0.0.1:6379/0"),
    "EMAIL_URL": _store("EMAIL_URL", _MAILS, "smtp+tls://user:password@mail.example.com:587"),
    "LOG_LEVEL": _log_level,
    "FILE_SCANNER": _scanner,
    "ADMIN_PATH": _admin_path,
    "FILES_DIR": _folder,
    "BATON_VAR_DIR": _folder,
    "VENDOR_CA_BUNDLE": _folder,
}
