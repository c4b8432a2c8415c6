"""Cleans what an admin or a program hands in as credentials; the same code for form and API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.conf import settings

from integrations.contract.manifest import CredentialField, FieldKind, Manifest
from integrations.contract.registry import connector_class
from integrations.credentials.pasted_values import (
    found_inside,
    pairs_read,
    trimmed,
    unwrapped,
    without_quotes,
)
from integrations.http.url_guard import url_problem

MASK = "••••"
MAX_PAIRS = 50
MAX_PAIR_KEY = 64
MAX_PAIR_VALUE = 1024
_SWITCH_ON = frozenset({"true", "on", "1", "yes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanedCredentials:
    """What is good, what is wrong (a sentence by field) and what was changed on the way."""

    values: Mapping[str, str] = field(repr=False)
    errors: Mapping[str, str]
    notices: tuple[str, ...]


class _RefusedError(Exception):
    """A value cannot be taken; the text is for the admin and never repeats a secret."""


def credentials_clean(
    manifest: Manifest, raw: Mapping[str, str], *, stored: Mapping[str, str]
) -> CleanedCredentials:
    """Trim, convert and judge every field of the connection type that `raw` chooses.

    `stored` fills in secrets that came back as their mask.
    """
    connector = connector_class(manifest.key)
    typed, blanks = _trimmed(manifest, raw, stored)
    typed, changes = connector.normalise(typed)
    typed |= {item.name: found_inside(item, typed.get(item.name, "")) for item in manifest.fields}
    values, errors = {}, {}
    for item in fields_for_mode(manifest, mode_of(manifest, typed)):
        try:
            values[item.name] = _clean(item, typed.get(item.name, ""))
        except _RefusedError as refusal:
            errors[item.name] = str(refusal)
    errors |= _missing(manifest, values, errors)
    # A refused pairs field is not JSON yet, so only this module can name the line at fault.
    judged = {n: v for n, v in typed.items() if n not in errors or n not in _pair_names(manifest)}
    errors |= _naming_addresses(manifest, connector.clean_credentials({**judged, **values}))
    errors |= _masks(manifest, typed)
    good = {name: value for name, value in values.items() if name not in errors}
    return CleanedCredentials(values=good, errors=errors, notices=(*blanks, *changes))


def mode_of(manifest: Manifest, values: Mapping[str, str]) -> str:
    """Return the chosen connection type, or the default one."""
    choice = manifest.mode_choice
    if choice is None:
        return ""
    mode = values.get(choice.name, "")
    return mode if mode in dict(choice.choices) else choice.default


def fields_for_mode(manifest: Manifest, mode: str) -> list[CredentialField]:
    """Return the fields that a connection type has."""
    return [f for f in manifest.fields if not f.shown_for_modes or mode in f.shown_for_modes]


def is_required(item: CredentialField, mode: str) -> bool:
    """Say whether a field must be filled for a connection type."""
    return item.required or mode in item.required_for_modes


def mask(value: str) -> str:
    """Return what is shown instead of a secret: dots and its last four letters or digits."""
    if not value:
        return ""
    body = re.sub(r"-----[A-Z ]+-----|\s|=", "", value)
    return MASK + (body[-4:] if len(body) >= 16 else "")


def pairs_to_lines(value: str) -> str:
    """Turn stored key-value pairs (a JSON object) into one `name = value` per line."""
    pairs = json.loads(value) if value else {}
    return "\n".join(f"{name} = {text}" for name, text in pairs.items())


def _trimmed(
    manifest: Manifest, raw: Mapping[str, str], stored: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    typed, notices = {}, []
    for item in manifest.fields:
        given = raw.get(item.name, "").replace("\r\n", "\n")
        text = unwrapped(item, given)
        kept = stored.get(item.name, "")
        if item.kind.is_secret and text and text == mask(kept):
            typed[item.name] = kept
            continue
        if text != given and item.kind is not FieldKind.MULTILINE_SECRET:
            what = "blanks" if text == trimmed(given) else "quotes, names and blanks"
            notices.append(f"{item.label}: {what} around the value were removed.")
        is_bare_host = item.kind is FieldKind.URL and text and "://" not in text
        typed[item.name] = f"https://{text}" if is_bare_host else text
    return typed, notices


def _naming_addresses(manifest: Manifest, errors: Mapping[str, str]) -> dict[str, str]:
    """Put the field's name before what a vendor's own rules say about an address."""
    labels = {item.name: item.label for item in manifest.fields if item.kind is FieldKind.URL}
    return {
        name: f"{labels[name]}: {text}" if name in labels and labels[name] not in text else text
        for name, text in errors.items()
    }


def _pair_names(manifest: Manifest) -> set[str]:
    return {item.name for item in manifest.fields if item.kind is FieldKind.KEY_VALUE}


def _missing(
    manifest: Manifest, values: Mapping[str, str], errors: Mapping[str, str]
) -> dict[str, str]:
    mode = mode_of(manifest, values)
    return {
        item.name: f"{item.label} is missing.{_example(item)}"
        for item in fields_for_mode(manifest, mode)
        if is_required(item, mode) and item.name not in errors and not values.get(item.name)
    }


def _masks(manifest: Manifest, typed: Mapping[str, str]) -> dict[str, str]:
    """Tell masks of another connection's secrets from secrets."""
    return {
        item.name: f"{item.label}: this is a mask and not the secret. Enter the secret itself."
        for item in manifest.fields
        if item.kind.is_secret and typed.get(item.name, "").startswith(MASK)
    }


def _clean(item: CredentialField, text: str) -> str:
    if item.kind is FieldKind.SWITCH:
        return "true" if text.lower() in _SWITCH_ON else "false"
    if item.kind is FieldKind.CHOICES:
        return _choices(item, text)
    if not text:
        return "" if item.required else item.default
    if len(text) > item.max_length:
        raise _RefusedError(f"At most {item.max_length} characters; this has {len(text)}.")
    cleaned = _CLEANERS[item.kind](item, text) if item.kind in _CLEANERS else text
    if item.pattern and not re.fullmatch(item.pattern, cleaned):
        problem = item.pattern_error or "This is not of the right form."
        raise _RefusedError(problem + _example(item))
    return cleaned


def _url(item: CredentialField, text: str) -> str:
    problem = url_problem(
        text, host_suffix=item.url_host_suffix, allow_local=settings.ALLOW_LOCAL_VENDORS
    )
    if problem:
        raise _RefusedError(f"{item.label}: {problem}")
    return text


def _choice(item: CredentialField, text: str) -> str:
    wanted = text.casefold()
    for value, label in item.choices:
        if wanted in (value.casefold(), label.casefold()):
            return value
    names = ", ".join(label for _, label in item.choices)
    raise _RefusedError(f"Choose one of: {names}.")


def _choices(item: CredentialField, text: str) -> str:
    given = {name.strip() for name in text.split(",")} - {""}
    known = [value for value, _ in item.choices]
    if unknown := given.difference(known):
        named = ", ".join(sorted(name[:40] for name in unknown))
        raise _RefusedError(f"Not known: {named}. Choose from: {', '.join(known)}.")
    return ",".join(value for value in known if value in given)


def _number(item: CredentialField, text: str) -> str:
    low, high = item.minimum, item.maximum
    text = re.sub(r"(?<=\d)[\s,'\u2019_](?=\d{3}(?!\d))", "", text)
    number = int(text) if re.fullmatch(r"-?[0-9]{1,12}", text) else None
    is_inside = number is not None and (
        (low is None or number >= low) and (high is None or number <= high)
    )
    if not is_inside:
        limits = f" from {low} to {high}" if low is not None and high is not None else ""
        raise _RefusedError(f"Enter a whole number{limits}.")
    return str(number)


def _pairs(item: CredentialField, text: str) -> str:
    pairs: dict[str, str] = {}
    for name, value in pairs_read(text) or _pairs_of_lines(text):
        if name in pairs:
            raise _RefusedError(f"{name[:64]} is given twice. Keep one of them.")
        if len(name) > MAX_PAIR_KEY or len(value) > MAX_PAIR_VALUE:
            limits = f"{MAX_PAIR_KEY} characters for a name and {MAX_PAIR_VALUE} for a value"
            raise _RefusedError(f"{name[:40]} is too long: at most {limits}.")
        pairs[name] = value
    if len(pairs) > MAX_PAIRS:
        raise _RefusedError(f"At most {MAX_PAIRS} pairs; this has {len(pairs)}.")
    return json.dumps(pairs, ensure_ascii=False)


def _pairs_of_lines(text: str) -> list[tuple[str, str]]:
    """Read name = value, or YAML's name: value, on each line."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        sign = re.search(r"=|:\s", line)
        name, separator, value = line.partition(sign.group() if sign else "=")
        name, value = name.strip(), value.strip()
        if not separator or not name:
            raise _RefusedError(f"“{line[:40]}” has no name before an equals sign: name = value.")
        found.append((without_quotes(name), without_quotes(value)))
    return found


def _example(item: CredentialField) -> str:
    return f" For example: {item.example}" if item.example else ""


_CLEANERS: dict[FieldKind, Callable[[CredentialField, str], str]] = {
    FieldKind.URL: _url,
    FieldKind.CHOICE: _choice,
    FieldKind.NUMBER: _number,
    FieldKind.KEY_VALUE: _pairs,
}
