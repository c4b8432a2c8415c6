"""The organization's records: contacts, accounts, cases and their comments, by SOQL and by Id."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.simulators.answers import AsciiJSONResponse

Record = dict[str, Any]
# Fields of each kind that this organization has; the first three of Case are Salesforce's own.
FIELDS = {
    "Contact": (
        *("Id", "Name", "FirstName", "LastName", "Email", "Phone", "MobilePhone", "AccountId"),
    ),
    "Account": ("Id", "Name", "Phone", "Website"),
    "Case": (
        *("Id", "CaseNumber", "CreatedDate", "Subject", "Status", "Priority", "Origin"),
        *("Description", "ContactId", "AccountId", "OwnerId", "IsClosed", "Order_Number__c"),
    ),
    "CaseComment": ("Id", "ParentId", "CommentBody", "IsPublished"),
}
_READ_ONLY = frozenset({"Id", "CaseNumber", "CreatedDate", "IsClosed"})
_NEEDED = {"CaseComment": ("ParentId",)}
_PREFIX = {"Contact": "003", "Account": "001", "Case": "500", "CaseComment": "00a"}
_LITERAL = r"'((?:[^'\\]|\\[\\'nrtbf])*)'"
_QUERY = re.compile(
    r"(?P<verb>SELECT) (?P<fields>\w+(?:\s*,\s*\w+)*) FROM (?P<kind>\w+)"
    rf" WHERE (?P<where>\w+ (?:=|LIKE) {_LITERAL}(?: OR \w+ (?:=|LIKE) {_LITERAL})*)"
    r"(?P<order> ORDER BY CreatedDate DESC)?(?: LIMIT (?P<limit>\d{1,4}))?"
)
_CONDITION = re.compile(rf"(\w+) (=|LIKE) {_LITERAL}")
_UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
ACCOUNT_ID, CONTACT_ID = "0018Y00002AbCdEQAV", "0038Y000003Kk1AQAS"
_ROWS = {
    "Account": (ACCOUNT_ID, "Birchline", "+4930123456", "https://birchline.example"),
    "Contact": (
        *(CONTACT_ID, "Ines Okafor", "Ines", "Okafor", "ines@example.org", None),
        *("+491701234567", ACCOUNT_ID),
    ),
}


def _seed() -> dict[str, list[Record]]:
    rows = {kind: [_ROWS[kind]] if kind in _ROWS else [] for kind in FIELDS}
    return {kind: [dict(zip(FIELDS[kind], r, strict=True)) for r in rows[kind]] for kind in FIELDS}


@dataclass
class Crm:
    """The records, and what the user may do with them."""

    records: dict[str, list[Record]] = field(default_factory=_seed)
    may_see_cases: bool = True
    limit_reached: bool = False
    _numbers: count[int] = field(default_factory=lambda: count(1026))

    def forget(self) -> None:
        """Forget what was made."""
        self.records = _seed()
        self.may_see_cases, self.limit_reached = True, False

    def find(self, kind: str, record_id: str) -> Record | None:
        """Return a record by its Id of 15 or 18 signs."""
        rows = self.records[kind]
        return next((row for row in rows if row["Id"][:15] == record_id[:15]), None)

    def add(self, kind: str, fields: Mapping[str, Any]) -> Record:
        """Keep a new record."""
        number = next(self._numbers)
        row: Record = dict.fromkeys(FIELDS[kind])
        row |= {"Id": f"{_PREFIX[kind]}8Y0000{number:06d}QAS", **fields}
        if kind == "Case":
            at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
            row |= {"CaseNumber": f"{number:08d}", "IsClosed": False, "CreatedDate": at}
        self.records[kind].append(row)
        return row


class CrmApi:
    """Answers at /services/data/v60.0; `is_known` says whether a token was given out."""

    def __init__(self, crm: Crm, is_known: Callable[[str], bool]) -> None:
        self._crm = crm
        self._is_known = is_known

    def routes(self) -> list[Route]:
        """Return the paths of records."""
        at = "/services/data/v60.0"
        return [
            Route(at, self._guarded(self._resources), methods=["GET"]),
            Route(f"{at}/sobjects/{{kind}}/describe", self._guarded(self._describe)),
            Route(f"{at}/sobjects/{{kind}}", self._guarded(self._create), methods=["POST"]),
            Route(f"{at}/sobjects/{{kind}}/{{record_id}}", self._guarded(self._read)),
        ]

    def query(self, soql: str) -> Response | None:
        """Answer a query about records; None for one that is about something else."""
        if self._crm.limit_reached:
            return refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        asked = _QUERY.fullmatch(soql)
        if asked is None or asked["kind"] not in FIELDS:
            return None
        kind, fields = asked["kind"], [one.strip() for one in asked["fields"].split(",")]
        conditions = [_condition(*found) for found in _CONDITION.findall(asked["where"])]
        for name in (*fields, *(name for name, _ in conditions)):
            if name not in FIELDS[kind]:
                return refused(400, "INVALID_FIELD", f"No such column '{name}' on entity '{kind}'")
        if kind == "Case" and not self._crm.may_see_cases:
            return refused(400, "INVALID_TYPE", "sObject type 'Case' is not supported.")
        rows = [row for row in self._crm.records[kind] if _fits(row, conditions)]
        if asked["order"]:
            rows.reverse()
        shown = [_shown(kind, row, fields) for row in rows[: int(asked["limit"] or 2000)]]
        return _limited(
            AsciiJSONResponse({"totalSize": len(shown), "done": True, "records": shown})
        )

    def _guarded(self, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not self._is_known(token):
                return refused(401, "INVALID_SESSION_ID", "Session expired or invalid")
            if self._crm.limit_reached:
                return refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            kind = request.path_params.get("kind", "Case")
            if kind not in FIELDS or (kind == "Case" and not self._may_see(request)):
                return refused(404, "NOT_FOUND", "The requested resource does not exist")
            found: Response = await answer(request)
            return _limited(found)

        return guarded

    def _may_see(self, request: Request) -> bool:
        return self._crm.may_see_cases or "kind" not in request.path_params

    async def _resources(self, request: Request) -> Response:
        return AsciiJSONResponse({"sobjects": "/services/data/v60.0/sobjects"})

    async def _describe(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        return AsciiJSONResponse({"name": kind, "queryable": True, "createable": True})

    async def _create(self, request: Request) -> Response:
        kind, fields = request.path_params["kind"], await request.json()
        problem = self._problem(kind, fields)
        if problem is not None:
            return problem
        row = self._crm.add(kind, fields)
        return AsciiJSONResponse({"id": row["Id"], "success": True, "errors": []}, status_code=201)

    def _problem(self, kind: str, fields: object) -> Response | None:
        if not isinstance(fields, dict):
            return refused(400, "JSON_PARSER_ERROR", "The body is no object")
        for name in fields:
            if name not in FIELDS[kind] or name in _READ_ONLY:
                words = f"No such column '{name}' on sobject of type {kind}"
                return refused(400, "INVALID_FIELD", words)
        missing = [name for name in _NEEDED.get(kind, ()) if not fields.get(name)]
        if missing:
            words = f"Required fields are missing: [{', '.join(missing)}]"
            return refused(400, "REQUIRED_FIELD_MISSING", words, missing)
        links = {"ContactId": "Contact", "AccountId": "Account", "ParentId": "Case"}
        for name in links.keys() & fields.keys():
            if self._crm.find(links[name], str(fields[name])) is None:
                words = f"{name}: id value of incorrect type"
                return refused(400, "MALFORMED_ID", words, [name])
        return None

    async def _read(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        row = self._crm.find(kind, request.path_params["record_id"])
        if row is None:
            return refused(404, "NOT_FOUND", "Provided external ID field does not exist")
        fields = request.query_params.get("fields", "").split(",")
        unknown = [name for name in fields if name not in FIELDS[kind]]
        if unknown:
            return refused(400, "INVALID_FIELD", f"No such column '{unknown[0]}'")
        return AsciiJSONResponse(_shown(kind, row, fields))


def refused(status: int, code: str, message: str, fields: list[str] | None = None) -> Response:
    """Return an error as the REST API has it: an array."""
    error = {"message": message, "errorCode": code} | ({"fields": fields} if fields else {})
    return AsciiJSONResponse([error], status_code=status)


def _limited(answer: Response) -> Response:
    answer.headers["Sforce-Limit-Info"] = "api-usage=412/15000"
    return answer


def _shown(kind: str, row: Record, fields: list[str]) -> Record:
    url = f"/services/data/v60.0/sobjects/{kind}/{row['Id']}"
    return {"attributes": {"type": kind, "url": url}, **{name: row[name] for name in fields}}


def _condition(name: str, sign: str, text: str) -> tuple[str, re.Pattern[str]]:
    """Return a condition; SOQL compares texts without regard to capitals."""
    shape = re.escape(_plain(text))
    if sign == "LIKE":
        shape = shape.replace("%", ".*").replace("_", ".")
    return name, re.compile(shape, re.IGNORECASE | re.DOTALL)


def _fits(row: Record, conditions: list[tuple[str, re.Pattern[str]]]) -> bool:
    return any(shape.fullmatch(str(row[name] or "")) for name, shape in conditions)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda sign: _UNESCAPED.get(sign[1], sign[1]), text)
