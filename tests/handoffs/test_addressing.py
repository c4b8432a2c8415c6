"""Where a payload goes: live run, trial run and lint say the same, in the same words."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from conversations.journal.services import conversation_lock
from conversations.models import Conversation, LogEntry, Tool
from handoffs.errors import (
    HandoffError,
    InvalidPayloadError,
    NoDefaultError,
    NotAllowedHereError,
    NotConnectedError,
    NothingConnectedError,
)
from handoffs.models import Handoff
from handoffs.payload.reading import payload_for_call_handoff, payload_read
from handoffs.starting.addressing import payload_address
from handoffs.starting.start import handoff_refuse, handoff_start
from integrations.models import Integration, Project
from tests import factories
from tests.members import client_of_admin

pytestmark = pytest.mark.django_db

CONNECT = {
    "connector_key": "amazon_connect",
    "integration_key": "amazon_connect_integration",
    "credentials": {
        "role_arn": "arn:aws:iam::210987654321:role/Portal",
        "allowed_role_arns": "arn:aws:iam::210987654321:role/North, "
        "arn:aws:iam::210987654321:role/South",
    },
}
OTHERS = {
    "zendesk": "zendesk_integration",
    "genesys": "genesys_integration",
    "amazon_connect": "amazon_connect_integration",
    "custom": "custom_integration",
}
INSTANCE = str(uuid.uuid4())


def five_connections(project: Project) -> None:
    factories.integration(project)
    for connector, key in OTHERS.items():
        factories.integration(project, connector_key=connector, integration_key=key)


def connect_payload(**hints: str) -> str:
    return f'{{"handoff": {{"text_chat": {{"amazon_connect_integration": {hints!r}}}}}}}'


def refusal(project: Project, returned: object) -> HandoffError:
    with pytest.raises(HandoffError) as raised:
        payload_address(project, "sandbox", payload_read(returned))
    return raised.value


def live(project: Project, literal: str) -> list[str]:
    """Return what a live run writes into the project's log."""
    conversation = factories.conversation(factories.channel(project))
    made = conversation_lock_and_start(conversation, literal)
    entries = LogEntry.objects.filter(conversation=conversation).order_by("id")
    found = [entry.content for entry in entries]
    Handoff.objects.filter(conversation=conversation).update(state="ended")
    return [*found, "opened"] if made else found


def conversation_lock_and_start(conversation: Conversation, literal: str) -> Handoff | None:
    from django.db import transaction

    with transaction.atomic():
        locked = conversation_lock(conversation.pk)
        try:
            payload = payload_read(eval(literal))
        except InvalidPayloadError as error:
            handoff_refuse(locked, error, tool_call_id="c", source="tool")
            return None
        return handoff_start(locked, payload, tool_call_id=str(uuid.uuid4()), source="tool")


def source_of(literal: str) -> str:
    return f"def tool(conv):\n    return {literal}\n"


def form(source: str) -> dict[str, str]:
    return {"name": "tool", "description": "", "source": source, "timeout_seconds": "10"}


def lint(project: Project, source: str) -> list[tuple[str, str, str]]:
    """Return severity, message and page of what the editor says, on opening or when refusing."""
    url = reverse("tool_new", kwargs={"project_id": project.public_id})
    answer = client_of_admin(project).post(url, form(source))
    if answer.status_code == 302:
        answer = client_of_admin(project).get(answer.url)
    Tool.objects.filter(project=project).delete()
    return [(one.severity, one.message, one.page) for one in answer.context["problems"]]


def trial(project: Project, source: str) -> tuple[list[str], list[str]]:
    """Return the problems and the warnings of a trial run."""
    url = reverse("tool_run", kwargs={"project_id": project.public_id})
    answer = client_of_admin(project).post(url, form(source))
    run = answer.context["run"]
    if run.error:
        return [run.error], []
    [reading] = run.readings
    return (
        [one.message for one in reading.problems],
        [one.message for one in reading.warnings],
    )


# ---- who gets it ----


def test_several_connections_without_a_default_are_named_and_the_default_is_asked_for(project):
    five_connections(project)

    error = refusal(project, {"handoff": True})

    assert isinstance(error, NoDefaultError)
    assert error.client_reason() == "invalid_payload"
    assert "5 are connected in Sandbox without a default" in str(error)
    assert "Salesforce Messaging, Zendesk Messaging, Genesys Messaging" in str(error)
    assert "Integrations > Manage > Behaviour > Default agent system" in str(error)


@pytest.mark.parametrize("handoff", [True, {"reason": "angry"}])
def test_the_only_connection_takes_what_names_none(project, handoff):
    only = factories.integration(project)

    found = payload_address(project, "sandbox", payload_read({"handoff": handoff}))

    assert found.integration == only


def test_without_any_connection_it_says_that_nothing_is_connected(project):
    error = refusal(project, {"handoff": True})

    assert isinstance(error, NothingConnectedError)
    assert error.client_reason() == "not_connected"
    assert "No integration for live chats is connected in Sandbox" in str(error)


def test_a_vendor_that_is_not_connected_here_is_told_beside_those_that_are(project):
    factories.integration(project)

    error = refusal(project, {"handoff": {"text_chat": {"zendesk_integration": {}}}})

    assert type(error) is NotConnectedError
    assert str(error) == "Zendesk is not connected in Sandbox. Connected in Sandbox: Salesforce."


@pytest.mark.parametrize(
    "returned",
    [
        {"handoff": "billing_team"},
        {"handoff": {"destination": "billing_team"}},
    ],
)
def test_an_unknown_destination_offers_what_the_project_uses_and_nothing_else(project, returned):
    factories.integration(project)
    factories.integration(
        project, connector_key="zendesk", integration_key="zendesk_integration", environment="live"
    )

    error = refusal(project, returned)

    assert "this project has: salesforce_integration" in str(error)
    for other in ("zendesk", "nice", "webex", "five9", "genesys"):
        assert other not in str(error)


def test_an_unknown_integration_offers_what_the_project_uses_in_all_three_places(project):
    factories.integration(project)
    literal = '{"handoff": {"text_chat": {"salesforce": {}}}}'

    [(_, linted, _)] = lint(project, source_of(literal))
    problems, _ = trial(project, source_of(literal))

    assert linted.endswith("unknown integration; this project has: salesforce_integration")
    assert len(problems) == 1
    assert problems[0].endswith("unknown integration; this project has: salesforce_integration")


def test_a_refused_alias_is_still_shown_as_its_vendor(project):
    conversation = factories.conversation(factories.channel(project))

    from django.db import transaction

    with transaction.atomic():
        locked = conversation_lock(conversation.pk)
        payload = payload_for_call_handoff("zendesk")
        handoff_start(locked, payload, tool_call_id="c", source="tool")

    assert Handoff.objects.get().integration_key == "zendesk_integration"


# ---- what only an admin may choose ----


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        ("instance_id", INSTANCE),
        ("contact_flow_id", INSTANCE),
        ("aws_region", "eu-central-1"),
    ],
)
def test_with_the_switch_off_an_override_is_refused_everywhere_in_the_same_words(
    project, hint, value
):
    factories.integration(project, **CONNECT)
    literal = connect_payload(**{hint: value})

    [logged] = live(project, literal)
    [(severity, linted, page)] = lint(project, source_of(literal))
    problems, _ = trial(project, source_of(literal))

    sentence = "inline overrides are off in this project"
    assert "Settings > Project > Allow inline overrides" in logged
    assert (severity, page) == ("warning", "project_settings")
    assert linted == logged
    assert [f"handoff.text_chat.amazon_connect_integration.{hint}: {one}" for one in problems] == [
        logged
    ]
    assert sentence in logged


def test_with_the_switch_on_an_override_opens_and_nothing_is_said(project):
    project.allow_inline_overrides = True
    project.save()
    factories.integration(project, **CONNECT)
    literal = connect_payload(instance_id=INSTANCE, aws_region="eu-central-1")

    assert live(project, literal) == ["opened"]
    assert lint(project, source_of(literal)) == []
    assert trial(project, source_of(literal)) == ([], [])


def test_an_override_whose_value_is_known_only_at_run_time_is_told_at_save(project):
    factories.integration(project, **CONNECT)
    literal = (
        '{"handoff": {"text_chat": {"amazon_connect_integration": '
        '{"instance_id": conv.state.instance}}}}'
    )

    [(severity, message, page)] = lint(project, source_of(literal))

    assert (severity, page) == ("warning", "project_settings")
    assert "instance_id: refused" in message


@pytest.mark.parametrize("name", ["Portal", "North", "South"])
def test_a_role_of_the_connections_list_is_taken(project, name):
    factories.integration(project, **CONNECT)

    assert live(project, connect_payload(role_arn=f"arn:aws:iam::210987654321:role/{name}")) == [
        "opened"
    ]


def test_any_other_role_is_refused_everywhere_and_the_list_is_named(project):
    factories.integration(project, **CONNECT)
    literal = connect_payload(role_arn="arn:aws:iam::210987654321:role/Nort")

    [logged] = live(project, literal)
    [(severity, linted, page)] = lint(project, source_of(literal))
    [problem], _ = trial(project, source_of(literal))

    where = "Integrations > Amazon Connect > Further roles that a handoff may name"
    assert where in logged
    assert (severity, page, linted) == ("warning", "integrations", logged)
    assert logged.endswith(problem)


def test_a_refusal_of_what_is_not_allowed_keeps_the_documented_reason(project):
    factories.integration(project, **CONNECT)

    error = refusal(project, eval(connect_payload(instance_id=INSTANCE)))

    assert isinstance(error, NotAllowedHereError)
    assert (error.code, error.client_reason()) == ("not_allowed_here", "invalid_payload")


# ---- the three places ----


def test_a_hint_of_another_vendor_is_told_in_the_trial_as_in_the_log(project):
    factories.integration(project)
    literal = '{"handoff": {"destination": "salesforce", "hints": {"tags": ["a"]}}}'

    logged = live(project, literal)
    linted = [message for _, message, _ in lint(project, source_of(literal))]
    _, warnings = trial(project, source_of(literal))

    assert logged == [
        "handoff.hints.tags: ignored: salesforce_integration has no such hint",
        "opened",
    ]
    assert linted == logged[:1]
    assert warnings == ["ignored: salesforce_integration has no such hint"]


@pytest.mark.parametrize(
    "call",
    [
        'conv.call_handoff("billing_team")',
        'conv.call_handoff(destination="zendesk_tickets", reason=conv.state.reason)',
    ],
)
def test_a_call_handoff_that_can_never_work_is_refused_at_save(project, call):
    [(severity, message, _)] = lint(project, f"def tool(conv):\n    {call}\n")

    assert severity == "error"
    assert message.startswith("destination: ")


def test_an_environment_in_which_it_would_fail_is_named(project):
    factories.integration(project)
    factories.channel(project, environment="live")
    literal = '{"handoff": {"text_chat": {"salesforce_integration": {}}}}'

    [(severity, linted, page)] = lint(project, source_of(literal))
    problems, warnings = trial(project, source_of(literal))

    assert (severity, page) == ("warning", "integrations")
    assert linted.endswith("Salesforce is not connected in Live.")
    assert (problems, warnings) == ([], ["Salesforce is not connected in Live."])


def test_what_an_admin_can_mend_is_linked_on_the_page(project):
    factories.integration(project, **CONNECT)
    url = reverse("tool_run", kwargs={"project_id": project.public_id})

    page = client_of_admin(project).post(
        url, form(source_of(connect_payload(instance_id=INSTANCE)))
    )

    settings = reverse("project_settings", kwargs={"project_id": project.public_id})
    assert f'href="{settings}"' in page.content.decode()


# ---- names ----


def test_a_handoff_that_found_no_integration_is_not_called_after_one(project):
    five_connections(project)
    live(project, '{"handoff": True}')
    handoff = Handoff.objects.get()
    url = reverse("handoff", kwargs={"project_id": project.public_id, "handoff_id": handoff.pk})
    client = client_of_admin(project)
    Handoff.objects.update(state="failed")

    page = client.get(url).content.decode()
    listed = client.get(reverse("handoffs", kwargs={"project_id": project.public_id}))

    assert "Handoff that found no integration" in page
    assert "none is the default, and the tool named none" in page
    # Filters and help speak of vendors; the rows must not.
    for text in (page, listed.content.decode().partition("<tbody>")[2]):
        assert "The vendor" not in text
        assert "the vendor" not in text


@pytest.mark.parametrize(
    ("connector", "key", "name"),
    [
        ("salesforce_messaging", "salesforce_integration", "Salesforce"),
        ("zendesk", "zendesk_integration", "Zendesk"),
        ("zendesk_tickets", "zendesk_tickets_integration", "Zendesk tickets"),
        ("amazon_connect", "amazon_connect_integration", "Amazon Connect"),
        ("genesys", "genesys_integration", "Genesys"),
        ("custom", "custom_integration", "Custom connector"),
    ],
)
def test_a_handoffs_page_names_its_vendor(project, connector, key, name):
    handoff = factories.handoff(of_integration=factories.integration(project))
    Integration.objects.update(connector_key=connector, integration_key=key)
    Handoff.objects.update(integration_key=key)
    url = reverse("handoff", kwargs={"project_id": project.public_id, "handoff_id": handoff.pk})

    page = client_of_admin(project).get(url).content.decode()

    assert f"Handoff to {name}</h1>" in page
    assert "he vendor" not in page


def test_an_older_refusal_without_integration_has_words_too(project):
    handoff = factories.handoff(of_integration=factories.integration(project))
    Handoff.objects.update(
        state="failed", integration_key="", integration=None, error_code="not_connected"
    )
    url = reverse("handoff", kwargs={"project_id": project.public_id, "handoff_id": handoff.pk})

    page = client_of_admin(project).get(url).content.decode()

    assert "No integration for live chats is connected in this environment." in page
    assert Integration.objects.exists()
