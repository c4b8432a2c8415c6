"""What an admin may type as an address, and what it may resolve to."""

from __future__ import annotations

import ipaddress

import pytest

from integrations.url_guard import is_public_address, may_connect, url_problem

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
    ],
)
def test_addresses_that_are_not_public_are_never_connected_to(address: str):
    assert not is_public_address(ipaddress.ip_address(address))
    assert not may_connect(address, allow_local=False)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111", "::ffff:93.184.215.14"])
def test_public_addresses_are_connected_to(address: str):
    assert may_connect(address, allow_local=False)


def test_the_local_setting_lets_loopback_through_and_no_private_address():
    assert may_connect("127.0.0.1", allow_local=True)
    assert may_connect("::1", allow_local=True)
    assert not may_connect("10.0.0.1", allow_local=True)
    assert not may_connect("not an address", allow_local=True)
