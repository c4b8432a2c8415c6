"""Secrets, APIs and values of tools: their pages, who gets them, and that no secret is seen."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from conversations.ai_agent.conv.place import ConvPlace, conv_snapshot, tool_use
from conversations.ai_agent.means.services import secret_save
from conversations.ai_agent.means.values import values_of
from conversations.ai_agent.sandbox.host import HIDDEN
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.runner import ToolOutcome
from conversations.models import Conversation, Secret, ToolApi, ToolValues
from integrations.models import AuditEntry, Environment
from tests import factories
from tests.members import client_of_admin

pytestmark = pytest.mark.django_db
KEY = "sk-live-93kd7"


@pytest.fixture
def conversation() -> Conversation:
    return factories.conversation(factories.channel(factories.project()))


def use(conversation: Conversation, body: str, name: str = "tool", **tools: str) -> ToolOutcome:
    """Run a tool of the project with this body; `tools` are others, by their names."""
    for other, source in tools.items():
        factories.tool(conversation.project, source, name=other)
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    tool = factories.tool(conversation.project, f"def {name}(conv):\n{lines}", name=name)
    snapshot = conv_snapshot(conversation, None, None)
    return tool_use(ConvPlace(conversation=conversation, snapshot=snapshot), tool)


def secret(conversation: Conversation, value: Any = KEY, *tools: str) -> Secret:
    return Secret.objects.create(
        project=conversation.project,
        name="shop",
        values={conversation.environment: value},
        set_at={conversation.environment: "2026-01-01"},
        tool_names=list(tools),
    )


# ---- secrets ----


def test_a_tool_that_may_reads_a_text_or_a_dict(conversation):
    row = secret(conversation, KEY, "tool")

    assert use(conversation, "return str(len(conv.utils.get_secret('shop')))").returned == "13"
    row.values = {conversation.environment: {"user": "adaada", "key": KEY}}
    row.save()
    row.tool_names = ["tool2"]
    row.save()
    body = "return sorted(conv.utils.get_secret('shop'))[1]"
    assert use(conversation, body, "tool2").returned == "user"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("conv.utils.get_secret('shop')", "MissingAccess: tool may not read the secret shop"),
        ("conv.utils.get_secret('shopp')", "SecretNotFound: there is no secret named shopp"),
        ("conv.utils.get_secret(3)", "SecretNotFound: name a secret"),
    ],
)
def test_no_access_and_no_secret_are_told_apart_at_the_line(conversation, body, error):
    secret(conversation, KEY, "other")

    with pytest.raises(ToolError) as caught:
        use(conversation, body)

    assert error in caught.value.message and caught.value.line == 2


def test_both_can_be_caught_by_their_names(conversation):
    secret(conversation, KEY, "other")
    body = """
try:
    conv.utils.get_secret("shop")
except MissingAccess:
    conv.say("no access")
try:
    conv.utils.get_secret("none")
except SecretNotFound:
    conv.say("not found")
"""

    assert use(conversation, body).said == ["no access", "not found"]


def test_members_who_set_values_of_two_environments_at_once_keep_both(conversation):
    made = secret(conversation, KEY)
    Secret.objects.update(values={"sandbox": KEY}, set_at={"sandbox": "2026-01-01"})
    rows = {name: Secret.objects.get(pk=made.pk) for name in ("pre-release", "live")}

    for environment, row in rows.items():
        secret_save(
            project=conversation.project,
            actor=None,
            secret=row,
            name="shop",
            description="",
            tool_names=[],
            values={environment: environment},
        )

    made.refresh_from_db()
    expected = {"sandbox": KEY, "pre-release": "pre-release", "live": "live"}
    assert made.values == expected
    assert set(made.set_at) == set(expected)


def test_another_environments_value_is_never_a_fallback(conversation):
    row = secret(conversation, KEY, "tool")
    row.values = {Environment.PRE_RELEASE.value: KEY}
    row.save()

    with pytest.raises(ToolError, match="runtime") as caught:
        use(conversation, "conv.utils.get_secret('shop')")

    assert f"no value for {conversation.environment}" in caught.value.message


def test_another_tools_secret_is_read_by_its_own_code_only(conversation):
    secret(conversation, KEY, "other")
    body = """
conv.say(str(conv.functions.other()))
conv.utils.get_secret("shop")
"""

    with pytest.raises(ToolError) as caught:
        use(conversation, body, other="def other(conv): return len(conv.utils.get_secret('shop'))")

    assert "MissingAccess: tool" in caught.value.message


def test_a_secret_leaves_the_sandbox_in_nothing_that_is_kept_or_shown(conversation):
    secret(conversation, KEY, "tool")
    body = """
s = conv.utils.get_secret("shop")
print(s)
conv.log.error("got " + s, key=s)
conv.state.key = {"s": [s]}
conv.say(s)
conv.write_metric("m", s)
conv.set_response_suggestions([s])
conv.call_handoff("salesforce", reason=s)
return {"utterance": s, "handoff": {"text_chat": {"salesforce_integration": {"summary": s}}}}
"""

    outcome = use(conversation, body)

    assert KEY not in repr(vars_of(outcome))
    assert outcome.said == [HIDDEN] and outcome.prints == f"{HIDDEN}\n"


@pytest.mark.parametrize(
    "raised", ["ValueError(s)", "KeyError({'k': s})", "ValueError('x' * 490 + s)"]
)
def test_a_secret_is_in_no_error_not_even_where_it_is_cut(conversation, raised):
    secret(conversation, KEY, "tool")
    body = "s = conv.utils.get_secret('shop')\nprint('x' * 8188 + s)\nconv.log.info(s)\n"
    body += f"raise {raised}"

    with pytest.raises(ToolError) as caught:
        use(conversation, body)

    seen = caught.value.message + caught.value.prints + repr(caught.value.logs)
    assert "sk-l" not in seen


def vars_of(outcome: ToolOutcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in ToolOutcome.__dataclass_fields__} | {
        "effects": {n: getattr(outcome.effects, n) for n in ("done", "suggestions", "metrics")}
    }


# ---- APIs ----


class Shop(BaseHTTPRequestHandler):
    """Answers with what it was asked; /slow takes too long, /big says too much."""

    seen: list[dict[str, Any]] = []
    wait = threading.Event()

    def do_POST(self) -> None:
        if self.path.startswith("/v1/slow"):
            self.wait.wait(5)
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size).decode()
        self.seen.append({"path": self.path, "body": body, "headers": dict(self.headers)})
        answer = b"x" * 400_000 if self.path.startswith("/v1/big") else b'{"state": "sent"}'
        self.send_response(302 if self.path.startswith("/v1/moved") else 201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815 - the server finds it by this name

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    Shop.wait.set()
    server.shutdown()


def api(conversation: Conversation, url: str, **fields: Any) -> ToolApi:
    operations = [
        {"name": "get", "method": "GET", "path": "/orders/{number}"},
        {"name": "add", "method": "POST", "path": "/orders"},
        *({"name": n, "method": "GET", "path": f"/{n}"} for n in ("slow", "big", "moved")),
    ]
    return ToolApi.objects.create(
        project=conversation.project,
        name="orders",
        base_urls={conversation.environment: url} if url else {},
        operations=operations,
        **fields,
    )


def test_a_call_fills_path_query_and_body_and_sends_the_secret_that_no_tool_sees(
    conversation, shop, settings
):
    settings.ALLOW_LOCAL_AGENTS = True
    secret(conversation)
    api(
        conversation, shop, secret_name="shop", header_name="Authorization", header_prefix="Bearer "
    )
    Shop.seen.clear()
    body = """
first = conv.api.orders.get(number="A/7 ?", full=True, headers={"X-Trace": "1"})
second = conv.api.orders.add(json={"n": 1})
conv.log_api_response(first)
return f"{first.status_code} {first.json()['state']} {first.ok} {second.text}"
"""

    outcome = use(conversation, body)

    assert outcome.returned == '201 sent True {"state": "sent"}'
    first, second = Shop.seen
    assert first["path"] == "/v1/orders/A%2F7%20%3F?full=true"
    assert first["headers"]["Authorization"] == f"Bearer {KEY}"
    assert first["headers"]["X-Trace"] == "1"
    assert json.loads(second["body"]) == {"n": 1}
    [line] = outcome.logs
    assert line["fields"]["status_code"] == 201 and KEY not in repr(outcome.logs)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("orders.get()", "orders.get needs number="),
        ("orders.get(number='..')", "may not be .."),
        ("orders.get(number=[1])", "must be a text"),
        ("orders.get(number='1', headers={'Host': 'x'})", "cannot be set"),
        ("orders.slow()", "did not answer in 1 s"),
        ("orders.big()", "too large"),
    ],
)
def test_a_call_that_cannot_be_made_or_gets_no_answer_says_so_at_its_line(
    conversation, shop, settings, call, error
):
    settings.ALLOW_LOCAL_AGENTS = True
    api(conversation, shop, timeout_seconds=1)

    with pytest.raises(ToolError) as caught:
        use(conversation, f"conv.api.{call}")

    assert error in caught.value.message and caught.value.line == 2


def test_a_redirect_is_the_answer_and_is_not_followed(conversation, shop, settings):
    settings.ALLOW_LOCAL_AGENTS = True
    api(conversation, shop)

    outcome = use(conversation, "return str(conv.api.orders.moved().status_code)")

    assert outcome.returned == "302"


@pytest.mark.parametrize(
    "url", ["", "https://127.0.0.1/v1", "https://localhost/v1", "http://e.example"]
)
def test_an_address_that_is_not_public_or_not_there_is_never_called(conversation, settings, url):
    settings.ALLOW_LOCAL_AGENTS = False
    api(conversation, url)

    with pytest.raises(ToolError) as caught:
        use(conversation, "conv.api.orders.add()")

    assert caught.value.code == "runtime" and "orders" in caught.value.message


def test_a_tool_calls_nothing_that_is_not_written_down(conversation):
    with pytest.raises(ToolError) as caught:
        use(conversation, "conv.api.orders.get()")
    with pytest.raises(ToolError) as spoofed:
        use(conversation, "_baton_host('api', api='x', operation='y', given={})", "tool2")

    assert "no attribute 'orders'" in caught.value.message
    assert "there is no API named x" in spoofed.value.message


# ---- values ----


def test_values_and_texts_are_read_in_the_conversations_language(conversation):
    ToolValues.objects.create(
        project=conversation.project,
        config={"opens_at": 9},
        translations={"hello": {"en": "Hello", "de": "Hallo"}, "bye": {"en": "Bye"}},
    )
    conversation.locale = "de-CH"
    body = "t, c = conv.translations, conv.real_time_config\n"
    body += "return f'{c[\"opens_at\"]} {t.hello} {t.bye} {t.no}'"

    assert use(conversation, body).returned == "9 Hallo Bye None"
    assert values_of(conversation.project_id, "fr")[1]["hello"] == "Hello"


# ---- pages ----


@pytest.fixture
def admin(conversation: Conversation) -> Client:
    return client_of_admin(conversation.project)


def page(conversation: Conversation, name: str) -> str:
    return f"/p/{conversation.project.public_id}/{name}/"


def test_a_secret_is_saved_encrypted_and_no_page_shows_it_again(admin, conversation):
    tool = factories.tool(conversation.project)
    values = {"name": "shop", "tool_names": [tool.name], "value_live": KEY}

    answer = admin.post(page(conversation, "secrets/new"), values)

    assert answer.status_code == 302
    row = Secret.objects.get()
    assert row.values == {"live": KEY} and row.tool_names == [tool.name]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM conversations_secret")
        assert KEY not in repr(cursor.fetchall())
    for address in ("secrets", f"secrets/{row.pk}"):
        assert KEY not in admin.get(page(conversation, address)).content.decode()
    assert KEY not in repr(list(AuditEntry.objects.values()))


def test_an_empty_box_keeps_a_value_and_a_tick_takes_it_away(admin, conversation):
    row = secret(conversation, KEY, "tool")
    field = conversation.environment.replace("-", "_")

    admin.post(page(conversation, f"secrets/{row.pk}"), {"name": "shop", "description": "new"})
    assert Secret.objects.get().values == {conversation.environment: KEY}

    admin.post(page(conversation, f"secrets/{row.pk}"), {"name": "shop", f"remove_{field}": "on"})
    assert Secret.objects.get().values == {}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "a b", "value_live": KEY}, "letters, digits"),
        ({"name": "ok", "value_live": "abc"}, "4 to 8192"),
        ({"name": "ok", "is_pairs": "on", "value_live": "user"}, "name=value"),
    ],
)
def test_a_secret_that_cannot_be_is_refused_at_its_field(admin, conversation, values, words):
    answer = admin.post(page(conversation, "secrets/new"), values)

    assert answer.status_code == 422 and words in answer.content.decode()
    assert not Secret.objects.exists()


def test_an_api_is_saved_and_a_secret_that_it_needs_stays(admin, conversation):
    row = secret(conversation)
    values = {
        "name": "orders",
        "operations": "get GET /orders/{number}\nadd post /orders",
        "url_live": "https://api.example.com/v1",
        "secret_name": "shop",
        "header_name": "Authorization",
        "timeout_seconds": "5",
    }

    assert admin.post(page(conversation, "tool-apis/new"), values).status_code == 302
    admin.post(page(conversation, f"secrets/{row.pk}/delete"))

    saved = ToolApi.objects.get()
    assert [one["method"] for one in saved.operations] == ["GET", "POST"]
    assert Secret.objects.exists()
    shown = admin.get(page(conversation, f"tool-apis/{saved.pk}")).content.decode()
    assert "get GET /orders/{number}" in shown
    admin.post(page(conversation, f"tool-apis/{saved.pk}/delete"))
    assert not ToolApi.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url_live": "https://10.0.0.1"}, "url_live"),
        ({"url_live": "http://api.example.com"}, "https://"),
        ({"operations": "get FETCH /x"}, "Line 1: FETCH is no method"),
        ({"operations": "get GET x"}, "Line 1: the path begins with a slash"),
        ({"operations": "get GET /a/../b"}, "Line 1"),
        ({"name": "my api"}, "Python"),
    ],
)
def test_an_api_that_cannot_be_is_refused_at_its_field(
    admin, conversation, settings, change, words
):
    settings.ALLOW_LOCAL_AGENTS = False
    values = {"name": "orders", "operations": "get GET /x", "timeout_seconds": "5", **change}

    answer = admin.post(page(conversation, "tool-apis/new"), values)

    assert answer.status_code == 422 and words in answer.content.decode()


def test_values_are_saved_as_objects_only(admin, conversation):
    address = page(conversation, "tools/values")

    bad = admin.post(address, {"config": "[1]", "translations": '{"hello": "x"}'})
    good = admin.post(address, {"config": '{"a": 1}', "translations": '{"hi": {"en": "Hi"}}'})

    assert bad.status_code == 422 and "JSON object" in bad.content.decode()
    assert good.status_code == 302
    assert ToolValues.objects.get().config == {"a": 1}
