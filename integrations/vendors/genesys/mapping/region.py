"""Where a Genesys Cloud organization lives, read from whatever an admin pasted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

# AWS region, which Genesys's own pages print beside the domain, to domain.
REGIONS: Mapping[str, str] = {
    "us-east-1": "mypurecloud.com",
    "us-east-2": "use2.us-gov-pure.cloud",
    "us-west-2": "usw2.pure.cloud",
    "ca-central-1": "cac1.pure.cloud",
    "sa-east-1": "sae1.pure.cloud",
    "mx-central-1": "mxc1.pure.cloud",
    "eu-west-1": "mypurecloud.ie",
    "eu-west-2": "euw2.pure.cloud",
    "eu-central-1": "mypurecloud.de",
    "eu-central-2": "euc2.pure.cloud",
    "eusc-de-east-1": "edee1.eusc-pure.cloud",
    "me-central-1": "mec1.pure.cloud",
    "ap-south-1": "aps1.pure.cloud",
    "ap-southeast-1": "apse1.pure.cloud",
    "ap-southeast-2": "mypurecloud.com.au",
    "ap-northeast-1": "mypurecloud.jp",
    "ap-northeast-2": "apne2.pure.cloud",
    "ap-northeast-3": "apne3.pure.cloud",
}
DOMAINS = tuple(REGIONS.values())
OVERRIDES = ("login_base_url", "api_base_url")
_IDS = ("integration_id", "client_id", "queue_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """The addresses of one organization's region."""

    login: str
    api: str


def hosts_for(credentials: Mapping[str, str]) -> Hosts:
    """Return the region's hosts, or those that replace them on a developer's machine."""
    # A draft under test may lack its region: no such host, say the checks.
    domain = credentials.get("region") or "region.invalid"
    api = credentials.get("api_base_url", "").rstrip("/")
    login = credentials.get("login_base_url", "").rstrip("/")
    return Hosts(
        login=login or f"https://login.{domain}",
        api=api or f"https://api.{domain}",
    )


def normalised(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the credentials as they are kept, with a sentence for each change worth showing."""
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


def domain_from(text: str) -> str:
    """Find a region's domain in whatever names it: an AWS region, a host, an address."""
    wanted = text.strip().lower()
    if wanted in REGIONS:
        return REGIONS[wanted]
    host = host_of(wanted if "://" in wanted else f"https://{wanted}")
    # Longest first: mypurecloud.com.au also begins with mypurecloud.com.
    for domain in sorted(DOMAINS, key=len, reverse=True):
        if host == domain or host.endswith(f".{domain}"):
            return domain
    return text


def id_from(text: str) -> str:
    """Find the one id in a pasted address; anything else stays as it is."""
    found = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.lower())
    return found[-1] if found else text


def host_of(url: str) -> str:
    """Return an address's host; empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
