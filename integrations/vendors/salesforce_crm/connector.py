"""Salesforce CRM as a connection: no conversation goes there, tools look things up in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, ClassVar

from integrations.contract.checks import CALL_SECONDS, CheckFailedError, run_checks
from integrations.contract.connector import (
    CheckResult,
    Connector,
    EndReason,
    HandoffRequest,
    OutboundMessage,
    TokenCache,
    VendorSession,
)
from integrations.contract.errors import ConnectorError, UnsupportedFeatureError
from integrations.contract.failures import CheckCode
from integrations.contract.manifest import Manifest
from integrations.contract.tool_operations import text_given
from integrations.http.client import HttpClient
from integrations.kit.pasted import bare_address, key_error, mended_key
from integrations.vendors.salesforce_crm.client import CrmClient
from integrations.vendors.salesforce_crm.manifest import JWT_BEARER, MANIFEST
from integrations.vendors.salesforce_crm.mapping import (
    ACCOUNT,
    CASE,
    CONTACT,
    MOST_LOOKED_AT,
    PHONES,
    WHOLE_CASE,
    case_fields,
    either,
    is_number,
    limit_of,
    phone_in,
    record,
    record_id,
    same,
    soql,
)

_TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
_REASONS: Mapping[str, CheckCode] = {
    "missing_permission": "missing_permission",
    "wrong_region": "wrong_region",
    "disabled": "disabled",
    "rejected": "rejected",
}
Given = Mapping[str, Any]
Records = list[dict[str, object]]


class SalesforceCrmConnector(Connector):
    """Finds contacts, accounts and cases, and opens and comments cases."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self, *, credentials: Mapping[str, str], http: HttpClient, tokens: TokenCache
    ) -> None:
        """Keep the decrypted credentials."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._client = CrmClient(http, tokens, credentials)
        self._has_token = False

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Cut the base to its host, complete the token's address, mend a pasted key."""
        kept, notices = dict(values), []
        if url := kept.get("base_url", "").strip():
            kept["base_url"], changes = bare_address(url)
            notices += changes
        url = kept.get("access_token_url", "").strip()
        if url and _TOKEN_PATH not in url:
            kept["access_token_url"] = bare_address(url)[0] + _TOKEN_PATH
            notices.append(f"{_TOKEN_PATH} was added to the Access Token URL.")
        if key := kept.get("private_key", ""):
            kept["private_key"], changes = mended_key(key)
            notices += changes
        return kept, tuple(notices)

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Look at the private key, where it counts."""
        key = values.get("private_key", "").strip()
        found = key_error(key) if key and values.get("auth_flow") == JWT_BEARER else ""
        return {"private_key": found} if found else {}

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Get a token, use it, and look whether cases are to be seen."""
        return run_checks([("token", self._token), ("api", self._api), ("cases", self._cases)])

    async def tool_call(self, operation: str, given: Given) -> object:
        """Carry out one of the manifest's operations."""
        operations = {
            "find_contacts": self._find_contacts,
            "get_contact": self._get_contact,
            "find_accounts": self._find_accounts,
            "get_account": self._get_account,
            "find_cases": self._find_cases,
            "get_case": self._get_case,
            "create_case": self._create_case,
            "add_comment": self._add_comment,
        }
        if operation not in operations:
            raise UnsupportedFeatureError(operation)
        return await operations[operation](given)

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Refuse: there is nobody to talk to."""
        raise UnsupportedFeatureError("start")

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Refuse: there is nobody to talk to."""
        raise UnsupportedFeatureError("send_message")

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """Do nothing: nothing was ever opened."""

    async def _find_contacts(self, given: Given) -> Records:
        email = text_given(given, "email")
        by_email = same("Email", [email]) if email else ""
        return await self._called("Contact", CONTACT, by_email, given)

    async def _get_contact(self, given: Given) -> dict[str, object] | None:
        return await self._one("Contact", record_id(given, "id"), CONTACT)

    async def _find_accounts(self, given: Given) -> Records:
        name = text_given(given, "name")
        by_name = same("Name", [name]) if name else ""
        return await self._called("Account", ACCOUNT, by_name, given)

    async def _get_account(self, given: Given) -> dict[str, object] | None:
        return await self._one("Account", record_id(given, "id"), ACCOUNT)

    async def _find_cases(self, given: Given) -> Records:
        number, contact = text_given(given, "number"), record_id(given, "contact_id", optional=True)
        by_contact = same("ContactId", [contact]) if contact else ""
        where = either(same("CaseNumber", [number]) if number else "", by_contact)
        return await self._found("Case", CASE, where, given, newest=True)

    async def _get_case(self, given: Given) -> dict[str, object] | None:
        return await self._one("Case", record_id(given, "id"), WHOLE_CASE)

    async def _create_case(self, given: Given) -> dict[str, object]:
        made = await self._client.create("Case", case_fields(given))
        # Salesforce gives the number by itself, and tells it to who asks.
        found = await self._client.read("Case", made, ("Id", "CaseNumber"))
        return record(found or {"Id": made}, ("Id", "CaseNumber"))

    async def _add_comment(self, given: Given) -> dict[str, object]:
        comment = {
            "ParentId": record_id(given, "case_id"),
            "CommentBody": text_given(given, "text"),
            "IsPublished": given.get("is_public") is True,
        }
        return {"Id": await self._client.create("CaseComment", comment)}

    async def _found(
        self, kind: str, fields: Iterable[str], where: str, given: Given, *, newest: bool = False
    ) -> Records:
        wanted = tuple(fields)
        query = soql(kind, wanted, where, limit=limit_of(given), newest=newest)
        return [record(one, wanted) for one in await self._client.query(query)]

    async def _called(
        self, kind: str, fields: tuple[str, ...], where: str, given: Given
    ) -> Records:
        """Return the records that a condition names, then those with a telephone number."""
        found = await self._found(kind, fields, where, given) if where else []
        if phone := text_given(given, "phone"):
            names = [name for name in fields if name in PHONES]
            query = soql(kind, fields, phone_in(names, phone), limit=MOST_LOOKED_AT)
            found += [
                record(one, fields)
                for one in await self._client.query(query)
                if any(is_number(one.get(name), phone) for name in names)
            ]
        return list({one["Id"]: one for one in found}.values())[: limit_of(given)]

    async def _one(
        self, kind: str, wanted: str, fields: tuple[str, ...]
    ) -> dict[str, object] | None:
        found = await self._client.read(kind, wanted, fields)
        return None if found is None else record(found, fields)

    async def _token(self) -> str:
        try:
            grant = await self._client.access.grant(timeout=CALL_SECONDS)
        except ConnectorError as error:
            if error.reason in _REASONS:
                raise CheckFailedError(_REASONS[error.reason]) from error
            raise
        await self._client.access.keep(grant)
        self._has_token = True
        return ""

    async def _api(self) -> str:
        self._need_token()
        await self._client.resources(timeout=CALL_SECONDS)
        return ""

    async def _cases(self) -> str:
        self._need_token()
        seen = await self._client.describe("Case", timeout=CALL_SECONDS)
        if seen.get("queryable") is False or seen.get("createable") is False:
            raise CheckFailedError("missing_permission")
        return ""

    def _need_token(self) -> None:
        if not self._has_token:
            raise CheckFailedError("skipped")
