"""What an admin may type as an address, and what it may resolve to."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from integrations.contract.manifest import CredentialField, FieldKind, Manifest
from integrations.contract.registry import manifests
from integrations.credentials.cleaning import credentials_clean
from integrations.http.url_guard import is_public_address, may_connect, url_problem

SUFFIX = ".my.salesforce-scrt.com"
GOOD = "https://birchline.my.salesforce-scrt.com"


@pytest.mark.parametrize("url", [GOOD, GOOD + "/", GOOD + ":443/a?b=c", GOOD.upper()])
def test_public_https_address_of_the_vendor_is_accepted(url: str):
    assert url_problem(url, host_suffix=SUFFIX) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "not a web address"),
        ("birchline", "not a web address"),
        ("https://", "not a web address"),
        ("https://a b.example", "not a web address"),
        ("https://example.com\\@evil.example", "not a web address"),
        ("https://example.com\n", "not a web address"),
        ("https://ex\u00e4mple.com", "not a web address"),
        ("https://[::1", "not a web address"),
        ("https://example.com:port", "not a web address"),
        ("http://birchline.my.salesforce-scrt.com", "https://"),
        ("ftp://birchline.my.salesforce-scrt.com", "https://"),
        ("https://user@birchline.my.salesforce-scrt.com", "user name or password"),
        ("https://user:pass@birchline.my.salesforce-scrt.com", "user name or password"),
        ("https://@birchline.my.salesforce-scrt.com", "user name or password"),
        ("https://birchline.my.salesforce-scrt.com:8443", "port"),
        ("https://birchline.my.salesforce-scrt.com.evil.example", "does not end in"),
        ("https://evilmy.salesforce-scrt.com", "does not end in"),
        ("https://birchline.my.salesforce-scrt.com.", "does not end in"),
        ("https://evil.example/#.my.salesforce-scrt.com", "does not end in"),
        ("https://evil.example?.my.salesforce-scrt.com", "does not end in"),
    ],
)
def test_other_addresses_are_refused_with_a_reason(url: str, said: str):
    problem = url_problem(url, host_suffix=SUFFIX)

    assert problem is not None
    assert said in problem
    assert problem.endswith(".")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "[fd00::1]"]
)
def test_private_hosts_are_refused_without_a_suffix_too(host: str):
    assert "private network" in (url_problem(f"https://{host}/") or "")


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
        "127.0.0.0x1",
        "1.2.3.999",
        "localhost.",
        "a.localhost.",
        "127.0.0.1.",
        "x%2f.example.com",
        "%31%32%37.0.0.1",
        "example.com.",
        "example..com",
        ".example.com",
        "-example.com",
        "exa_mple!.com",
        "exa<mple.com",
        "a" * 64 + ".com",
        "a." * 130 + "com",
        "[fe80::1%25eth0]",
        "[::ffff:0:127.0.0.1]",
        "\uff11\uff12\uff17.0.0.1",
        "b\u00fccher.example",
        "example\u3002com",
    ],
)
def test_hosts_that_somebody_could_read_otherwise_are_refused(host: str):
    assert url_problem(f"https://{host}/", allow_local=False) is not None


@pytest.mark.parametrize("host", ["xn--bcher-kva.example", "a_b.s3.example", "93.184.215.14"])
def test_plain_hosts_are_taken(host: str):
    assert url_problem(f"https://{host}/") is None


HOSTILE = (
    *("https://127.1", "https://2130706433", "https://localhost.", "https://x%2f{}"),
    *("https://a@x{}", "https://x{}:8443", "https://\uff11\uff12\uff17.0.0.1", "http://x{}"),
    *("https://[::127.0.0.1]", "https://x\u3002y{}", "https://192.88.99.1", "javascript:x"),
)
ADDRESS_FIELDS = [
    (manifest, item)
    for manifest in manifests()
    for item in manifest.fields
    if item.kind is FieldKind.URL
]


@pytest.mark.parametrize("typed", HOSTILE)
@pytest.mark.parametrize(
    ("manifest", "item"), ADDRESS_FIELDS, ids=[f"{m.key}-{i.name}" for m, i in ADDRESS_FIELDS]
)
def test_every_address_that_admins_type_is_refused_in_the_form_by_the_name_of_its_field(
    settings: Any, manifest: Manifest, item: CredentialField, typed: str
):
    settings.ALLOW_LOCAL_VENDORS = False
    mode = next(iter(item.shown_for_modes), "")
    raw = {item.name: typed.format(item.url_host_suffix or ".example.com"), "mode": mode}

    cleaned = credentials_clean(manifest, raw, stored={})

    assert item.name not in cleaned.values
    assert item.label in cleaned.errors[item.name]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8790", "http://localhost:1", "https://[::1]:8443/x"]
)
def test_the_local_setting_opens_this_machine_only(url: str):
    assert url_problem(url, host_suffix=SUFFIX, allow_local=True) is None
    assert url_problem(url, host_suffix=SUFFIX) is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.10:8790",
        "http://birchline.my.salesforce-scrt.com",
        "https://10.1.1.1",
        "ftp://127.0.0.1",
        "http://user@127.0.0.1",
        "http://127.0.0.1.evil.example",
    ],
)
def test_the_local_setting_opens_nothing_else(url: str):
    assert url_problem(url, host_suffix=SUFFIX, allow_local=True) is not None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "::ffff:0:93.184.215.14",
        "64:ff9b:1::1",
        "64:ff9b:1::93.184.215.14",
        "100::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:5db8:d70e::1",
        "2620:4f:8000::1",
        "3fff::1",
        "3fff:fff::1",
        "4000::1",
        "5f00::1",
        "fe80::1%eth0",
        "192.0.0.9",
        "192.0.2.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.175.48.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "240.0.0.1",
    ],
)
def test_addresses_that_are_not_public_are_never_connected_to(address: str):
    assert not is_public_address(ipaddress.ip_address(address))
    assert not may_connect(address, allow_local=False)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:4700::1111", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"]
)
def test_public_addresses_are_connected_to(address: str):
    assert may_connect(address, allow_local=False)


def test_the_local_setting_lets_loopback_through_and_no_private_address():
    assert may_connect("127.0.0.1", allow_local=True)
    assert may_connect("::1", allow_local=True)
    assert not may_connect("10.0.0.1", allow_local=True)
    assert not may_connect("not an address", allow_local=True)
