"""What strangers send: to one address as many broken requests as anybody could think of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

from django.http import HttpResponse
from django.test import Client

from config.requests.api_answers import is_api
from tests.config.routes import Route, field_names, routes

# As they stand in an address.
PATHS = (
    *("%00", "a%00b", "%ED%A0%80", "%FF%FE", "%F0%9F%98%80", "%25", "%0d%0aX-Y:%20z", "%2e%2e%2f"),
    *("9" * 30, "9" * 5000, "-1", "%D9%A3", "x" * 3000, "'%22%3C", "%7B%7B7*7%7D%7D", "%E2%80%AE"),
)
# In an address with every name together no server would take the first one.
LONG, LONG_OF_MANY = "x" * 5000, "x" * 300
VALUES = ("a%00b", "%FF%ED%A0%80", "9" * 30, "-1", LONG, "%5B%5B", "1e999", "")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")
QUERIES = (
    "%00=1",
    "=%00",
    "%FF=%FE",
    "a&" * 1100,
    ";",
    "a=1&a=%00",
    "format=xml",
    "page=" + "9" * 30,
)
FORM = "application/x-www-form-urlencoded"
PART = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\x00b"\r\n\r\nx\r\n--b--\r\n'
)
BODIES: tuple[tuple[str, bytes], ...] = (
    ("application/json", b"[" * 5000),
    ("application/json", b'{"page": ' + b"[" * 5000 + b"}"),
    ("application/json", b'{"page": ' + b"[" * 500 + b"]" * 500 + b"}"),
    ("application/json", b'{"page": {"a": 1e999}, "end_user": NaN}'),
    ("application/json", b'{"locale": "\\ud800", "\\u0000": 1}'),
    ("application/json", b'{"locale": ' + b"9" * 5000 + b"}"),
    ("application/json", b"\xff\xfe"),
    ("application/json", b"null"),
    ("application/json; charset=rot13", b"{}"),
    (FORM, b"%00=%00"),
    (FORM, b"\xff=\x00&" * 5),
    (FORM, b"a&" * 1100),
    (f"{FORM}; charset=idna", b"a=1"),
    (f"{FORM}; charset=utf-16", b"a=1"),
    ("multipart/form-data; boundary=b", PART),
    ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data"),
    ("multipart/form-data", b"x"),
    ("multipart/form-data; boundary=" + "b" * 300, b"x"),
    ("text/\xff", b"x"),
    ("", b"\x00"),
)
HEADERS: tuple[dict[str, str], ...] = (
    {"HTTP_HOST": "\xff"},
    {"HTTP_HOST": "testserver:99999999"},
    {"HTTP_X_FORWARDED_PROTO": "\xff,https"},
    {"HTTP_ACCEPT": "\xff;q=x, */*;q=1e999"},
    {"HTTP_ACCEPT_LANGUAGE": "x" * 600 + ",\xff"},
    {"HTTP_AUTHORIZATION": "Bearer \xff\xfe"},
    {
        "HTTP_X_API_KEY": "\xff",
        "HTTP_X_TOKEN": "\xff",
        "HTTP_X_HOST": "\xff",
        "HTTP_ORIGIN": "\xff",
    },
    {"HTTP_X_TOKEN": "a.b", "HTTP_X_HOST": "https://[::1", "HTTP_ORIGIN": "https://[::1"},
    {"HTTP_IF_MODIFIED_SINCE": "\xff", "HTTP_RANGE": "bytes=9-1,-", "HTTP_IF_NONE_MATCH": "\xff"},
    {"HTTP_REFERER": "https://[::1", "HTTP_X_CORRELATION_ID": "\xff"},
)
COOKIES = (
    'sessionid="\\000\\000\\000\\000\\000\\000\\000\\000\\000"',
    "sessionid=\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    'csrftoken="\\000"; messages="\\000"; theme="\\000"; messages2=[[',
    "messages=[[1]]:x:y; theme=\xff; =; ;;",
)
# Headers that stop nothing, so that what reads the others still reads them.
TOGETHER: tuple[dict[str, str], ...] = (
    {name: value for headers in (*HEADERS[2:5], *HEADERS[8:]) for name, value in headers.items()},
    HEADERS[6],
    HEADERS[7],
)
# Where something of its own reads a header: one address of each kind.
HEADER_READERS = (
    *("", "login/", "admin/login/", "admin/auth/user/", "p/<str:project_id>/topics/"),
    *("api/docs", "api/v1/access-token", "api/v1/sessions", "api/v1/sessions/<uuid:session_id>"),
    *("api/v1/sessions/<uuid:session_id>/files", "files/<str:token>/<str:name>"),
    *("v1/<str:account_id>/<str:project_id>/handoff_state", "w/<str:public_key>/", "readyz"),
)
# Behind one way in, which reads the address before the page does.
MANY = ("admin/", "p/")
SHARED = ("project_id", "environment", "connection", "object_id")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, as it would stand on the wire."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    content_type: str = FORM
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Say what was asked, short enough for a list."""
        said = f"{self.method} {self.path}?{self.query[:60]} {self.content_type} {self.body[:60]!r}"
        return f"{said} {self.headers}"[:300]

    def ask(self, client: Client) -> HttpResponse:
        """Send it; what the client library would clean up is put in as it is."""
        return client.generic(
            self.method,
            self.path,
            self.body,
            content_type=self.content_type,
            QUERY_STRING=self.query,
            **self.headers,
        )


def addresses(route: Route, good: dict[str, str]) -> Iterator[Visit]:
    """Put each broken value into each place of the address, alone and into all of them."""
    for value in _share(route, PATHS) if route.parameters else ():
        yield Visit("POST", route.filled({}, others=value))
    for name in route.parameters:
        for value in _share(route, PATHS) if name in SHARED else PATHS:
            yield Visit("GET", route.filled({**good, name: value}))


def methods_and_queries(route: Route, good: dict[str, str]) -> Iterator[Visit]:
    """Ask with every method, and with every name that some view reads."""
    path = route.filled(good)
    for method in METHODS:
        yield Visit(method, path)
    for query in (*_share(route, QUERIES), *_fields(route)):
        yield Visit("GET", path, query.replace(LONG, LONG_OF_MANY))


def headers(route: Route, good: dict[str, str]) -> Iterator[Visit]:
    """Send broken headers: everywhere together, and each alone where it is read."""
    path = route.filled(good)
    for some in (*TOGETHER, *(HEADERS if route.pattern in HEADER_READERS else ())):
        yield Visit("POST", path, headers=some)
        yield Visit("GET", path, headers=some)


def bodies(route: Route, good: dict[str, str]) -> Iterator[Visit]:
    """Send bodies that are not what they say, or more than anybody keeps."""
    path = route.filled(good)
    for content_type, body in _share(route, BODIES):
        yield Visit("POST", path, body=body, content_type=content_type)
    for form in _fields(route):
        yield Visit("POST", path, body=form.encode())


def _share(route: Route, values: Sequence[Item]) -> Sequence[Item]:
    """Return a third where many routes are one piece of code, another one for the next route."""
    if not route.pattern.startswith(MANY):
        return values
    return values[routes().index(route) % 3 :: 3]


def _fields(route: Route) -> Sequence[str]:
    """Give every name that some view reads each broken value; Django admin's reads few of ours."""
    return _share(route, every_field()) if route.pattern.startswith("admin/") else every_field()


@cache
def every_field() -> list[str]:
    """Give every name that some view reads each broken value."""
    return ["&".join(f"{name}={value}" for name in field_names()) for value in VALUES]


def faults(client: Client, visits: Iterable[Visit]) -> list[str]:
    """Say which answers are no good ones."""
    found = []
    for visit in visits:
        answer = visit.ask(client)
        path = answer.wsgi_request.path_info
        is_honest = answer.status_code == 503 and path == "/readyz"
        if answer.status_code >= 500 and not is_honest:
            found.append(f"{visit}: {answer.status_code}")
        elif answer.status_code >= 400 and is_api(path) and visit.method != "HEAD":
            found += _not_the_envelope(visit, answer)
    return found


def _not_the_envelope(visit: Visit, answer: HttpResponse) -> list[str]:
    try:
        said = json.loads(answer.content)
    except ValueError:
        return [f"{visit}: no JSON"]
    # One API is documented with `detail` in place of the envelope.
    own = "detail" if visit.path.startswith("/v1/outbound-sms") else "error_message"
    return [] if said.get(own) else [f"{visit}: {said}"]
