"""The rules for Webex's credentials that a single field's pattern cannot express."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from integrations.vendors.webex.mapping.messages import naming_problem, variable_problem

REGIONS = ("us1", "eu1", "eu2", "ca1", "jp1", "sg1", "anz1")
UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def normalised(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the values as they are kept, with a sentence for each change worth showing."""
    kept, notices = dict(values), []
    typed = kept.get("org_id", "").strip()
    if typed and (found := _org_id(typed)) != typed:
        kept["org_id"] = found
        notices.append(f"The organization's id was read out of the longer one: {found}.")
    region = kept.get("api_base_url", "").strip().lower()
    if region in REGIONS:
        kept["api_base_url"] = f"https://api.wxcc-{region}.cisco.com"
    for name in ("api_base_url", "oauth_base_url"):
        if name in kept:
            kept[name] = kept[name].strip().rstrip("/")
    return kept, tuple(notices)


def credential_errors(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong, by field name."""
    errors = {}
    if problem := variable_problem(values.get("default_global_variables", "")):
        errors["default_global_variables"] = problem.partition(": ")[2].capitalize() + "."
    if problem := naming_problem(values.get("variable_names", "")):
        errors["variable_names"] = problem
    return errors


def _org_id(typed: str) -> str:
    """Read the id out of what other Webex pages call one: base64 of an address that ends in it."""
    if re.fullmatch(UUID, typed):
        return typed
    try:
        opened = base64.b64decode(typed + "=" * (-len(typed) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return typed
    found = re.search(f"/ORGANIZATION/({UUID})$", opened, re.IGNORECASE)
    return found.group(1) if found else typed
