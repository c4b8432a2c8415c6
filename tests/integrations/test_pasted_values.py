"""What admins paste: a value in quotes, with its name, out of a file, inside an address."""

from __future__ import annotations

import pytest

from integrations.connect.documents.values import field_text
from integrations.contract.manifest import CredentialField, FieldKind, Manifest
from integrations.contract.registry import all_manifests, manifest_get
from integrations.credentials.cleaning import credentials_clean

WRAPPED = (FieldKind.TEXT, FieldKind.SECRET, FieldKind.URL)
FORMS = (
    '"{}"',
    "'{}'",
    "\u201c{}\u201d",
    "`{}`",
    '"{}",',
    "\u00a0{}\u00a0\n",
    "{name}: {}",
    "{name}: '{}'",
    '"{name}": "{}",',
    "{name}={}",
    "export {name}={}",
    '{{"{camel}": "{}"}}',
    "{label}: {}",
)


def fields() -> list[tuple[Manifest, CredentialField]]:
    return [
        (manifest, item)
        for manifest in all_manifests()
        for item in manifest.fields
        if item.kind in WRAPPED
    ]


def value_of(manifest: Manifest, item: CredentialField, typed: str) -> tuple[str | None, str]:
    mode = manifest.mode_choice
    raw = {item.name: typed}
    if mode is not None and item.shown_for_modes:
        raw[mode.name] = item.shown_for_modes[0]
    cleaned = credentials_clean(manifest, raw, stored={})
    return cleaned.values.get(item.name), cleaned.errors.get(item.name, "")


@pytest.mark.parametrize(
    ("manifest", "item"), fields(), ids=lambda one: getattr(one, "name", "") or one.key
)
def test_every_field_takes_its_value_however_it_was_copied(manifest, item, settings):
    settings.ALLOW_LOCAL_VENDORS = True
    plain = item.example or "Xk29/ab+cdEFgh12345=="
    camel = item.name.split("_")[0] + "".join(w.title() for w in item.name.split("_")[1:])
    wanted = value_of(manifest, item, plain)

    for form in FORMS:
        typed = form.format(plain, name=item.name, camel=camel, label=item.label)
        assert value_of(manifest, item, typed) == wanted, typed


UUID = "7e1c0f5a-93b2-4d0e-8a61-2f0b8f5d9c11"


@pytest.mark.parametrize(
    ("vendor", "name", "typed", "kept"),
    [
        ("webex", "org_id", f"https://admin.webex.com/org/{UUID}/overview", UUID),
        ("nice_byoc", "integration_id", f"Integration ID {UUID} (active)", UUID),
        ("amazon_connect", "aws_region", "Europe (Frankfurt) eu-central-1", "eu-central-1"),
        (
            "amazon_connect",
            "access_key_id",
            "AKIAQ2P7EXAMPLE4RT6Z (Active)",
            "AKIAQ2P7EXAMPLE4RT6Z",
        ),
        ("salesforce_messaging", "org_id", "Organization Id 00D8Y0000012abc", "00D8Y0000012abc"),
        ("salesforce_messaging", "mode", "messaging for in-app and web", "miaw"),
        ("salesforce_live_chat", "org_id", "liveagent.init('00D8Y0000012abc')", "00D8Y0000012abc"),
        (
            "zendesk",
            "app_id",
            "/apps/aa11bb22cc33dd44ee55ff66/integrations",
            "aa11bb22cc33dd44ee55ff66",
        ),
        ("five9", "region", "Canada (app.ca.five9.com)", "app.ca.five9.com"),
        ("nice_chat", "environment", "na1", "NA1"),
        ("custom", "timeout_ms", "5,000", "5000"),
        ("five9", "domain_id", "domainId: 141414", "141414"),
    ],
)
def test_values_are_taken_as_vendors_pages_print_them(vendor, name, typed, kept):
    manifest = manifest_get(vendor)
    item = next(one for one in manifest.fields if one.name == name)

    assert value_of(manifest, item, typed) == (kept, "")


@pytest.mark.parametrize("typed", [f"{UUID} {UUID[:-1]}2", "no id at all", "name = value"])
def test_a_text_with_two_values_or_none_is_refused_and_not_guessed(typed):
    manifest = manifest_get("nice_byoc")
    item = next(one for one in manifest.fields if one.name == "integration_id")

    value, error = value_of(manifest, item, typed)

    assert value is None
    assert error


@pytest.mark.parametrize("secret", ["a=b", "x: y", "'", '"open', "<a>b", "key=", "p@ss: word"])
def test_a_secret_that_only_looks_wrapped_is_kept_as_it_is(secret):
    manifest = manifest_get("genesys")
    item = next(one for one in manifest.fields if one.name == "client_secret")

    assert value_of(manifest, item, secret) == (secret, "")


@pytest.mark.parametrize(
    "typed",
    [
        '{"Tier": "gold", "Order": "BL-1"}',
        "Tier: gold\nOrder: BL-1",
        '"Tier": "gold",\n"Order": "BL-1",',
        "Tier='gold'\nOrder=BL-1",
    ],
)
def test_pairs_are_taken_from_json_yaml_and_files_of_settings(typed):
    manifest = manifest_get("salesforce_messaging")
    item = next(one for one in manifest.fields if one.name == "routing_attributes")

    assert value_of(manifest, item, typed) == ('{"Tier": "gold", "Order": "BL-1"}', "")


def in_one_line(pem: str) -> str:
    return " ".join(pem.split("\n")).strip()


PEM_FORMS = {
    "with bag attributes": lambda pem: f"Bag Attributes\n    friendlyName: portal\n{pem}",
    "before its certificate": lambda pem: (
        f"-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n{pem}"
    ),
    "with blanks for line ends": in_one_line,
    "from YAML": lambda pem: "private_key: |\n  " + pem.replace("\n", "\n  "),
    "from JSON": lambda pem: '"private_key": "' + pem.replace("\n", "\\n") + '",',
    "in quotes": lambda pem: f'"{pem}"',
    "in one quoted line": lambda pem: f"'{in_one_line(pem)}'",
    "indented": lambda pem: pem.replace("\n", "\n\t"),
    "from another system": lambda pem: pem.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("form", PEM_FORMS)
@pytest.mark.parametrize(
    ("vendor", "name"),
    [("salesforce_messaging", "jwt_private_key"), ("salesforce_byoc", "private_key")],
)
def test_a_private_key_is_taken_however_it_was_copied(vendor, name, form, private_pem):
    manifest = manifest_get(vendor)
    item = next(one for one in manifest.fields if one.name == name)
    mode = manifest.mode_choice
    raw = {name: PEM_FORMS[form](private_pem)}
    if mode is not None and item.shown_for_modes:
        raw[mode.name] = item.shown_for_modes[0]
    if vendor == "salesforce_byoc":
        raw["oauth_flow"] = "jwt_bearer"

    cleaned = credentials_clean(manifest, raw, stored={})

    assert cleaned.values.get(name) == private_pem, cleaned.errors


def test_pairs_nested_without_end_are_refused_as_any_other_text():
    pairs = next(
        item for one in all_manifests() for item in one.fields if item.kind is FieldKind.KEY_VALUE
    )

    with pytest.raises(ValueError, match="names and values"):
        field_text(pairs, '{"a":' * 5000)
