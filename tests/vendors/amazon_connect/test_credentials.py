"""What an admin may paste, what becomes of it, and what is said about the rest."""

from __future__ import annotations

import re

import pytest

from integrations.contract.registry import connector_class, manifest_get

CONNECTOR = connector_class("amazon_connect")
INSTANCE = "7e1c0f5a-93b2-4d0e-8a61-2f0b8f5d9c11"
FLOW = "c2a9e4d0-1b6f-4f38-9a57-60c1ad7be903"
QUEUE = "5f3d1c20-8f4e-4e0f-9d0a-2b7a61d0c4e8"
INSTANCE_ARN = f"arn:aws:connect:eu-west-2:210987654321:instance/{INSTANCE}"
ROLE = "arn:aws:iam::210987654321:role/PortalHandoff"
FIELDS = {field.name: field for field in manifest_get("amazon_connect").fields}


def normalised(**values: str) -> tuple[dict[str, str], str]:
    kept, notices = CONNECTOR.normalise(values)
    return kept, " ".join(notices)


def errors(**changes: str) -> dict[str, str]:
    good = {"instance_id": INSTANCE, "contact_flow_id": FLOW, "role_arn": ROLE}
    return CONNECTOR.clean_credentials({**good, **changes})


def test_instance_arn_gives_instance_and_region():
    kept, said = normalised(instance_id=INSTANCE_ARN, aws_region="")

    assert (kept["instance_id"], kept["aws_region"]) == (INSTANCE, "eu-west-2")
    assert "instance ID was taken" in said
    assert "eu-west-2" in said


def test_flow_arn_gives_flow_instance_and_region():
    kept, _ = normalised(contact_flow_id=f"{INSTANCE_ARN}/contact-flow/{FLOW}", instance_id="")

    assert kept["contact_flow_id"] == FLOW
    assert kept["instance_id"] == INSTANCE
    assert kept["aws_region"] == "eu-west-2"


def test_flow_arn_with_a_version_gives_the_flow_alone():
    kept, _ = normalised(contact_flow_id=f"{INSTANCE_ARN}/contact-flow/{FLOW}:$LATEST")

    assert kept["contact_flow_id"] == FLOW


def test_region_of_an_arn_wins_over_a_typed_one_and_says_so():
    kept, said = normalised(instance_id=INSTANCE_ARN, aws_region="us-east-1")

    assert kept["aws_region"] == "eu-west-2"
    assert "region eu-west-2 was taken" in said


def test_queue_arn_gives_the_queue():
    kept, _ = normalised(availability_queue_id=f"{INSTANCE_ARN}/queue/{QUEUE}")

    assert kept["availability_queue_id"] == QUEUE


def test_plain_ids_stay_as_they_are_without_a_word():
    values = {"instance_id": INSTANCE, "contact_flow_id": FLOW, "aws_region": "eu-west-2"}

    assert normalised(**values) == (values, "")


@pytest.mark.parametrize(
    "odd", ["", "arn:aws:connect:::", "arn:aws:s3:::bucket", INSTANCE_ARN + "/contact-flow/", "\n"]
)
def test_odd_values_pass_through_to_the_fields_own_rules(odd: str):
    kept, said = normalised(contact_flow_id=odd)

    assert (kept["contact_flow_id"], said) == (odd, "")


def test_further_roles_may_be_separated_by_anything_common():
    kept, _ = normalised(allowed_role_arns=f"{ROLE}A,\n{ROLE}B  {ROLE}C, ")

    assert kept["allowed_role_arns"] == f"{ROLE}A, {ROLE}B, {ROLE}C"


def test_a_role_alone_and_keys_alone_are_both_enough():
    keys = {"access_key_id": "AKIAQ2P7EXAMPLE4RT6Z", "secret_access_key": "x" * 40}

    assert errors() == {}
    assert errors(role_arn="", **keys) == {}
    assert errors(**keys) == {}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"role_arn": ""}, "role_arn"),
        ({"access_key_id": "AKIAQ2P7EXAMPLE4RT6Z"}, "secret_access_key"),
        ({"secret_access_key": "x" * 40}, "access_key_id"),
        ({"allowed_role_arns": f"{ROLE}, PortalHandoff"}, "allowed_role_arns"),
        ({"session_tags": "[]"}, "session_tags"),
        ({"session_tags": '{"": "x"}'}, "session_tags"),
        ({"session_tags": '{"Team": "a;b"}'}, "session_tags"),
        ({"session_tags": '{"Team": "' + "x" * 257 + '"}'}, "session_tags"),
    ],
)
def test_what_is_missing_or_malformed_is_said_at_its_field(changes: dict[str, str], field: str):
    found = errors(**changes)

    assert list(found) == [field]
    assert "x" * 40 not in found[field]


def test_tags_that_aws_takes_are_fine():
    assert errors(session_tags='{"Team": "Support EU", "cost:center": "4711/a@b"}') == {}


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("instance_id", INSTANCE, "7e1c0f5a"),
        ("aws_region", "us-gov-west-1", "Frankfurt"),
        ("aws_region", "ap-southeast-2", "eu-central"),
        ("role_arn", "arn:aws-us-gov:iam::210987654321:role/team/Portal", "PortalHandoff"),
        ("role_arn", ROLE, "arn:aws:iam::210987654321:user/Portal"),
        ("access_key_id", "ASIAQ2P7EXAMPLE4RT6Z", "QKIAQ2P7EXAMPLE4RT6Z"),
    ],
)
def test_patterns_of_the_fields(field: str, good: str, bad: str):
    pattern = FIELDS[field].pattern

    assert re.search(pattern, good)
    assert not re.search(pattern, bad)


def test_endpoint_takes_hosts_of_aws_alone():
    assert FIELDS["endpoint_url"].url_host_suffix == ".amazonaws.com"


def test_only_the_secret_key_is_a_secret():
    assert [name for name, field in FIELDS.items() if field.kind.is_secret] == ["secret_access_key"]
