"""The rules for Genesys's credentials that a single field's pattern cannot express."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from integrations.http.url_guard import is_local_host
from integrations.vendors.genesys.mapping.region import domain_from, id_from

OVERRIDES = ("login_base_url", "api_base_url")
_IDS = ("integration_id", "client_id", "queue_id")


def normalised(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the values as they are kept, with a sentence for each change worth showing."""
    kept = dict(values)
    notices: list[str] = []
    if region := kept.get("region", ""):
        kept["region"] = domain_from(region)
        if kept["region"] != region:
            notices.append(f"The region was read as {kept['region']}.")
    for name in _IDS:
        text = kept.get(name, "")
        kept[name] = id_from(text)
        if "/" in text and kept[name] != text:
            notices.append("The id was taken out of the address that was pasted.")
    for name in OVERRIDES:
        kept[name] = kept.get(name, "").rstrip("/")
    return kept, tuple(notices)


def credential_errors(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong, by field name: the client's secret goes to Genesys and nobody else."""
    problem = "Only a simulator on this machine may stand in for Genesys. Leave this empty."
    return {
        name: problem
        for name in OVERRIDES
        if values.get(name) and not is_local_host(_host(values[name]))
    }


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
