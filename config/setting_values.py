"""Reads environment variables; what cannot be meant so is kept for a system check to tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
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
# Where 0 says something: no limit, none, never, or not at all.
_ZERO_SAYS = frozenset(
    {
        "ACCESS_TOKEN_REFRESH_SECONDS",
        "ATTACHMENT_DOWNLOADS_MAX",
        "DATABASE_FROZEN_SECONDS",
        "HSTS_SECONDS",
        "METRICS_PORT",
        "MODEL_SUMMARY_SECONDS",
        "SIGN_IN_IDLE_MINUTES",
        "SOCKET_FRAMES_PER_SECOND",
        "VENDOR_CALL_KEEP_DAYS",
        "WEBHOOK_DELIVERY_KEEP_DAYS",
    }
)
# A century; beyond it no clock and no calendar can reckon.
_MOST = {"_DAYS": 36_500, "_SECONDS": 3_155_760_000, "_MINUTES": 52_596_000, "_PORT": 65_535}
_MOST_OF_ALL = 10**12
# An empty value is said where it means something, or is the default.
_EMPTY_SAYS = frozenset({"ADMIN_PATH"})
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
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

    def file_read(self, path: Path) -> None:
        """Take variables from a file; what the environment holds already stays."""
        if not path.is_file():
            return
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        found: list[str] = []
        for number, line in enumerate(map(str.strip, lines), start=1):
            if not line or line.startswith("#"):
                continue
            if match := _LINE.fullmatch(line):
                found.append(f"{match[1]}={match[2]}")
            else:
                self._note_line(path.name, number)
        self.read_env(StringIO("\n".join(found)))

    def _note_line(self, file: str, number: int) -> None:
        """Keep where a line is that cannot be read, never the line: it may hold a secret."""
        name = f"Line {number} of {file}"
        cure = "Write NAME=value, or # before it."
        self._problems[name] = SettingProblem(name=name, text=f"{name} sets nothing.", cure=cure)

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
    elif re.search(r"\s#", text):
        told, cure = "has a comment behind its value", "Put the comment on a line of its own"
    elif re.search(r"[\r\n]", text):
        told, cure = "has more than one line", "Write the value on one line"
    elif not text and default and name not in _EMPTY_SAYS:
        told, cure = "is empty", f"Take {name}= away, and its default counts"
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
        return _bound_problem(name, float(text), default)
    kind = "whole number" if cast is int else "number"
    what = next(
        (f" of {unit}" for unit in ("seconds", "bytes", "days") if unit in name.lower()), ""
    )
    return (
        f"is “{text[:40]}”, and is a {kind}{what}",
        f"Write {name}={_number_meant(name, text) or default}",
    )


def _bound_problem(name: str, number: float, default: Any) -> tuple[str, str]:
    """Return what is wrong with a number that nothing could go by."""
    if number == 0 and name not in _ZERO_SAYS:
        told = "is 0, which here does not mean that there is no limit"
        return told, f"Write {name}={default}, or a large number where hardly any limit is meant"
    most = next((value for end, value in _MOST.items() if name.endswith(end)), _MOST_OF_ALL)
    return ("", "") if number <= most else (f"is more than {most}", f"Write {name}={most} or less")


def _number_meant(name: str, text: str) -> str:
    """Return the number that somebody meant who wrote a unit or separators, as far as one knows."""
    found = re.fullmatch(r"([0-9][0-9 _,']*(?:\.[0-9]+)?)\s*([A-Za-z]*)(?:/\w+)?", text)
    if found is None:
        return ""
    digits = re.sub(r",(?!\d{3}(?!\d))", ".", found[1]) if found[1].count(",") == 1 else found[1]
    number, unit = float(re.sub(r"[ _,']", "", digits)), found[2].lower()
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
