"""What tools ask of connected systems, through the sandbox, at the simulators."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from conversations.ai_agent.conv.place import ConvPlace, conv_snapshot, tool_use
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.tools.means_lint import means_findings, means_of
from conversations.models import Conversation
from handoffs.starting.agent_place import tool_services
from integrations.behaviour.fallback import fallback_choices
from integrations.models import Integration, VendorCall
from integrations.simulators.simulator import running_simulator
from integrations.vendors.salesforce_byoc.simulator import SalesforceByocSimulator
from integrations.vendors.salesforce_byoc.simulator.crm import ACCOUNT_ID, CONTACT_ID
from integrations.vendors.salesforce_byoc.simulator.world import (
    CONSUMER_KEY,
    CONSUMER_SECRET,
    INTEGRATION_USER,
)
from integrations.vendors.zendesk.simulator import ZendeskSimulator
from tests import factories
from tests.members import client_of_admin

pytestmark = pytest.mark.django_db(transaction=True)
CRM = "conv.integrations.salesforce_crm"


@pytest.fixture(scope="module")
def org() -> Iterator[SalesforceByocSimulator]:
    simulator = SalesforceByocSimulator()
    with running_simulator(simulator):
        yield simulator


@pytest.fixture(autouse=True)
def fresh(org: SalesforceByocSimulator) -> None:
    org.reset()


@pytest.fixture
def conversation(org: SalesforceByocSimulator) -> Conversation:
    made = factories.conversation(factories.channel(factories.project()))
    factories.integration(
        made.project,
        connector_key="salesforce_crm",
        integration_key="salesforce_crm_integration",
        credentials=credentials(org.base_url),
    )
    return made


def credentials(url: str, **changes: str) -> dict[str, str]:
    return {
        "auth_flow": "client_credentials",
        "base_url": url,
        "access_token_url": f"{url}/services/oauth2/token",
        "client_id": CONSUMER_KEY,
        "client_secret": CONSUMER_SECRET,
        **changes,
    }


def use(conversation: Conversation, body: str) -> Any:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    name = f"tool_{conversation.project.tools.count()}"
    source = f"def {name}(conv):\n{lines}"
    tool = factories.tool(conversation.project, source, name=name, timeout_seconds=10)
    snapshot = conv_snapshot(conversation, None, None)
    place = ConvPlace(
        conversation=conversation, snapshot=snapshot, services=tool_services(conversation)
    )
    return tool_use(place, tool).returned


class TestSalesforceCrm:
    @pytest.mark.parametrize(
        "wanted",
        [
            "email='INES@example.org'",
            "phone='+49 170 1234567'",
            "email='no@body', phone='+491701234567'",
        ],
    )
    def test_a_contact_is_found_by_address_or_number(self, conversation, wanted):
        found = use(conversation, f"return {{'content': {CRM}.find_contacts({wanted})}}")

        [contact] = found["content"]
        assert (contact["Id"], contact["Name"]) == (CONTACT_ID, "Ines Okafor")
        assert "attributes" not in contact

    @pytest.mark.parametrize(
        ("kept", "asked", "is_found"),
        [
            ("(0170) 123-4567", "+491701234567", True),
            ("+49 (0)170 / 123 45 67", "0170 1234567", True),
            ("+1 (555) 010-0101", "15550100101", True),
            ("0049 170 1234567", "+49 170 1234567", True),
            ("+44 170 1234567", "+49 170 1234567", False),
            ("0170 12934567", "+49 170 1234567", False),
            ("12345", "12345", True),
            ("612345", "12345", False),
        ],
    )
    def test_a_number_is_found_however_it_is_written(
        self, conversation, org, kept, asked, is_found
    ):
        [contact], [account] = (org.world.crm.records[kind] for kind in ("Contact", "Account"))
        contact["MobilePhone"], account["Phone"] = None, kept
        contact["Phone"] = kept

        found = use(
            conversation,
            f"return {{'content': {CRM}.find_contacts(phone='{asked}')\n"
            f"  + {CRM}.find_accounts(phone='{asked}')}}",
        )

        assert [one["Id"] for one in found["content"]] == [CONTACT_ID, ACCOUNT_ID] * is_found

    def test_records_are_read_by_id_and_an_unknown_one_is_none(self, conversation):
        found = use(
            conversation,
            f"return {{'content': [{CRM}.get_contact(id='{CONTACT_ID[:15]}'),\n"
            f"  {CRM}.get_account(id='{ACCOUNT_ID}'), {CRM}.find_accounts(name='Birchline'),\n"
            f"  {CRM}.get_contact(id='0038Y00000000000')]}}".replace("00000000000", "0000000000"),
        )

        contact, account, accounts, nobody = found["content"]
        assert contact["AccountId"] == ACCOUNT_ID
        assert accounts == [account]
        assert nobody is None

    def test_a_case_is_opened_found_read_and_commented(self, conversation, org):
        number = use(
            conversation,
            f"crm = {CRM}\n"
            f"made = crm.create_case(subject='Late order', contact_id='{CONTACT_ID}',\n"
            "    description='It is late', fields={'Order_Number__c': 'A-7'})\n"
            "crm.add_comment(case_id=made['Id'], text='Called back', is_public=True)\n"
            "return made['CaseNumber']",
        )
        found = use(
            conversation,
            f"crm = {CRM}\n"
            f"one = crm.find_cases(number='{number}')[0]\n"
            f"assert crm.find_cases(contact_id='{CONTACT_ID}')[0]['Id'] == one['Id']\n"
            "return {'content': crm.get_case(id=one['Id'])}",
        )

        case = found["content"]
        assert (case["Subject"], case["Status"], case["Origin"]) == ("Late order", "New", "Chat")
        assert case["Description"] == "It is late"
        [kept] = org.world.crm.records["Case"]
        assert kept["Order_Number__c"] == "A-7"
        [comment] = org.world.crm.records["CaseComment"]
        assert (comment["ParentId"], comment["IsPublished"]) == (case["Id"], True)

    @pytest.mark.parametrize("name", ["x' OR Name != '", "O\\\\'Hara", "a\\nb"])
    def test_what_a_tool_gives_stays_a_value_of_the_query(self, conversation, name):
        found = use(conversation, f"return {{'content': {CRM}.find_accounts(name=\"{name}\")}}")

        assert found["content"] == []

    @pytest.mark.parametrize(
        ("call", "said"),
        [
            ("find_contacts()", "needs one of email, phone"),
            ("find_contacts(mail='a')", "takes email, phone, limit, not mail"),
            ("get_case(id='1')", "15 or 18 letters and digits"),
            ("create_case(subject='')", "needs subject="),
            ("find_cases(number='1', limit=1000)", "from 1 to 50"),
            ("create_case(subject='a', fields={'a b': 1})", "no API name of a field"),
            ("create_case(subject='a', fields={'Nope__c': 1})", "INVALID_FIELD"),
            ("delete_case(id='1')", "no such call"),
        ],
    )
    def test_a_call_that_cannot_be_meant_says_why(self, conversation, call, said):
        with pytest.raises(ToolError) as raised:
            use(conversation, f"return str({CRM}.{call})")

        assert said in raised.value.message

    @pytest.mark.parametrize(
        ("trouble", "kind"),
        [
            ({"limit_reached": True}, "ConnectionError"),
            ({"may_see_cases": False}, "RuntimeError"),
        ],
    )
    def test_a_refusal_can_be_caught(self, conversation, org, trouble, kind):
        for name, value in trouble.items():
            setattr(org.world.crm, name, value)

        said = use(
            conversation,
            f"try:\n    {CRM}.find_cases(number='1')\n"
            f"except {kind} as error:\n    return str(error)",
        )

        assert said.startswith("Salesforce CRM: ")

    def test_a_token_that_has_expired_is_renewed_once(self, conversation, org):
        body = f"return {CRM}.get_contact(id='{CONTACT_ID}')['Name']"
        use(conversation, body)
        org.expire_tokens()

        assert use(conversation, body) == "Ines Okafor"

    def test_without_a_connection_the_tool_is_told(self, conversation):
        Integration.objects.update(status=Integration.Status.DISABLED)

        with pytest.raises(ToolError) as raised:
            use(conversation, f"{CRM}.get_case(id='{CONTACT_ID}')")

        assert "not connected in sandbox" in raised.value.message

    def test_calls_are_recorded_without_secrets_and_personal_data(self, conversation):
        use(conversation, f"return str({CRM}.find_contacts(email='ines@example.org'))")

        calls = VendorCall.objects.all()
        shown = " ".join(f"{one.path} {one.request_body} {one.response_body}" for one in calls)
        assert [one.operation for one in calls] == ["token", "query"]
        assert not any(text in shown for text in (CONSUMER_SECRET, "ines@example.org", "Okafor"))

    def test_the_editor_names_calls_that_do_not_exist(self, conversation):
        tree = ast.parse(f"{CRM}.find_contact(email='a')\nconv.integrations.sap.get()")

        found = means_findings(tree, "tool", means_of(conversation.project))

        messages = [one.message for one in found]
        assert "conv.integrations.salesforce_crm has no call find_contact" in messages
        assert any("conv.integrations has no sap" in one for one in messages)

    def test_it_is_offered_nowhere_as_a_place_for_conversations(self, conversation):
        messaging = factories.integration(conversation.project)

        assert fallback_choices(messaging) == []


class TestConnecting:
    @pytest.fixture
    def project(self, db):
        return factories.project()

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {
                "auth_flow": "password",
                "username": INTEGRATION_USER,
                "password": "simulated-passwordT0ken",
            },
        ],
    )
    def test_an_admin_connects_it_and_sees_what_tools_can_call(
        self, org, project, changes, settings
    ):
        settings.ALLOW_LOCAL_VENDORS = True
        admin = client_of_admin(project)

        def at(name: str) -> str:
            return reverse(name, args=[project.public_id, "sandbox", "salesforce_crm"])

        admin.post(at("connect_values"), credentials(org.base_url, **changes))
        admin.post(at("connect_test_run"))
        admin.post(at("connect_save"))

        row = Integration.objects.get()
        assert row.status == Integration.Status.CONNECTED
        done = admin.get(at("connect_done")).content.decode()
        assert "conv.integrations.salesforce_crm.find_contacts(email=conv.state.email)" in done
        assert "create_case" in done
        assert "transfer_to" not in done
        behaviour = admin.get(at("connect_behaviour"))
        assert behaviour.status_code == 200
        tile = admin.get(reverse("integrations", args=[project.public_id])).content.decode()
        assert "Not available yet" not in tile.split("Salesforce CRM")[1][:600]


def test_a_zendesk_ticket_is_opened_and_commented_by_a_tool():
    desk = ZendeskSimulator()
    with running_simulator(desk):
        conversation = factories.conversation(factories.channel(factories.project()))
        factories.integration(
            conversation.project,
            connector_key="zendesk_tickets",
            integration_key="zendesk_tickets_integration",
            credentials={
                "org_url": desk.base_url,
                "email": "integration@brightside.example",
                "api_token": "simulated-support-api-token",
            },
        )

        number = use(
            conversation,
            "desk = conv.integrations.zendesk_tickets\n"
            "made = desk.create_ticket(subject='Late', text='It is late', tags=['vip'])\n"
            "desk.add_comment(ticket_id=made['id'], text='Called back')\n"
            "return made['number']",
        )

        ticket = desk.world.tickets[int(number)]
        assert ticket.subject == "Late"
        assert "vip" in ticket.tags
