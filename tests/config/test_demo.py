"""make demo: one command starts all of Baton, again and again, and says what stands in the way."""

import asyncio
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from urllib.parse import urlencode

import aiohttp
import psycopg
import pytest

from config.demo.embedded import RedisServer, free_port
from config.demo.processes import BASE_DIR, wait_until
from config.demo.seed import vendor_topics
from config.demo.vendors import demo_carriers, demo_vendors
from conversations.ai_agent.topics.matching import TopicText, topic_match
from integrations.connect.steps import tool_source
from integrations.models import Integration
from tests.load.desk import AsyncDesk
from tests.load.widget import WidgetClient
from tests.postgres import database_create, database_drop
from tests.waiting import eventually_async

# What the suite itself sets; the demo shall find its own.
OWN_BUSINESS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "BATON_ENCRYPTION_KEYS", "PUBLIC_URL")
VENDORS = BASE_DIR / "integrations" / "vendors"
STARTED_SECONDS = 110  # less than what pytest gives a test
STOPPED_SECONDS = 12


class Demo:
    """The demo as a process, and what it wrote to the console."""

    def __init__(self, var_dir, **environment):
        self.var_dir = var_dir
        self.port = _free_row()
        self.console = var_dir.with_suffix(f".{self.port}.txt")
        self._environment = {k: v for k, v in os.environ.items() if k not in OWN_BUSINESS}
        self._environment |= {"BATON_VAR_DIR": str(var_dir), **environment}

    def start(self):
        with self.console.open("wb") as console:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "manage.py", "demo", "--port", str(self.port)],
                cwd=BASE_DIR,
                env=self._environment,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        return self

    def wait_started(self):
        def has_settled():
            return "Baton is ready" in self.output or self.process.poll() is not None

        wait_until(has_settled, seconds=STARTED_SECONDS)
        assert "Baton is ready" in self.output, self.output
        return self

    def fails(self):
        self.process.wait(timeout=STARTED_SECONDS)
        assert self.process.returncode != 0
        return self.output

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOPPED_SECONDS)

    def seed_again(self):
        """Make the data anew as the next start does, beside the processes that serve it."""
        keys = {carrier.name: key for key, carrier in demo_carriers().items()}
        urls = {keys.get(name, name): one["url"] for name, one in self.facts["simulators"].items()}
        command = [sys.executable, "manage.py", "demo", "--seed-only", "--port", str(self.port)]
        command += ["--simulators", json.dumps(urls)]
        subprocess.run(command, cwd=BASE_DIR, env=self._environment, check=True)

    @property
    def output(self):
        return self.console.read_text()

    @property
    def facts(self):
        return json.loads((self.var_dir / "demo.json").read_text())

    def get(self, url):
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    running = Demo(tmp_path_factory.mktemp("demo") / "var").start().wait_started()
    yield running
    running.stop()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_the_demo_prints_leads_to_pages_that_answer(demo):
    facts = demo.facts

    assert facts["widget_page"] in demo.output
    assert facts["admin"]["password"] in demo.output
    assert facts["webchat"]["public_key"] in demo.get(facts["widget_page"])
    for simulator in facts["simulators"].values():
        page = simulator.get("desk_url") or simulator["phone_url"]
        assert page in demo.output
        assert demo.get(page)
    assert json.loads(demo.get(f"{facts['base_url']}/readyz"))["status"] == "ok"
    assert "py.warnings" not in demo.output


def test_demo_file_has_exactly_the_promised_entries(demo):
    facts = demo.facts

    assert set(facts) == {
        *("base_url", "widget_page", "admin", "workspace_id", "project_id"),
        *("webchat", "chat_api", "api_key", "outside_agent", "simulators", "processes"),
    }
    assert set(facts["admin"]) == {"url", "username", "password"}
    assert facts["webchat"]["host"] == f"127.0.0.1:{demo.port}"
    assert set(facts["simulators"]["salesforce_messaging"]) == {
        *("url", "desk_url", "phrase", "org_id", "es_developer_name"),
    }
    assert set(facts["processes"]) == {
        *("redis", "web", "relay1", "relay2", "worker", "beat"),
        *(f"simulator_{key}" for key in (*demo_vendors(), *demo_carriers())),
    }
    os.kill(facts["processes"]["simulator_zendesk"], 0)


def test_somebody_outside_drives_the_second_project_from_an_end_users_word_to_a_handoff(demo):
    facts = demo.facts
    agent = facts["outside_agent"]
    chat = f"/v1/{facts['workspace_id']}/{agent['project_id']}"

    def call(method, path, body=None, key=agent["api_key"]):
        request = urllib.request.Request(
            f"{facts['base_url']}{chat}{path}",
            None if body is None else json.dumps(body).encode(),
            {
                "x-api-key": key,
                "x-token": agent["webchat"]["public_key"],
                "Content-Type": "application/json",
            },
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    talk = call("POST", "/chat/create", {})["conversation_id"]
    call("POST", f"/conversations/{talk}/messages", {"text": "An outside agent speaks."})
    begun = call("POST", f"/conversations/{talk}/handoff", {"handoff": True})
    lines = call("GET", f"/chat/messages?conversation_id={talk}")

    assert set(agent) == {"project_id", "webchat", "api_key"}
    assert agent["webchat"]["host"] == facts["webchat"]["host"]
    assert agent["project_id"] != facts["project_id"]
    assert begun["handoff_id"]
    said = [line["payload"].get("text") for line in lines]
    assert "An outside agent speaks." in said
    with pytest.raises(urllib.error.HTTPError, match="403"):
        call("POST", "/chat/create", {}, key=facts["api_key"])


def signed_in(demo):
    """Return what reads a page as the demo's admin, and the page after signing in."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    base, admin = demo.facts["base_url"], demo.facts["admin"]

    def look(path, data=None):
        with browser.open(base + path, data) as answer:
            return answer.read().decode()

    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', look("/login/"))[1]
    names = {"username": admin["username"], "password": admin["password"]}
    return look, look("/login/", urlencode(names | {"csrfmiddlewaretoken": token}).encode())


async def test_a_conversation_is_handed_over_and_back_on_the_embedded_default(demo):
    facts = demo.facts
    look, _ = await asyncio.to_thread(signed_in, demo)
    site = {"key": facts["webchat"]["public_key"], "host": facts["webchat"]["host"]}
    vendor = facts["simulators"]["salesforce_messaging"]
    async with aiohttp.ClientSession() as http:
        desk = AsyncDesk(http, vendor["url"])
        end_user = WidgetClient(http, facts["base_url"], **site)
        await end_user.open()
        await end_user.send("Said before")
        await end_user.until(lambda: end_user.types.count("POLY_AGENT_MESSAGE") >= 2)
        await end_user.send(vendor["phrase"])
        chat = await desk.find("Said before")
        await desk.does(chat, "accept", agent_name="Noor Halvorsen")
        await end_user.until(lambda: "LIVE_AGENT_JOINED" in end_user.types)
        for number in range(3):
            await end_user.send(f"end user {number}")
            await desk.does(chat, "say", text=f"live agent {number}")

        async def all_is_heard():
            return "end user 2" in (await desk.said_by_end_user())[chat]

        await eventually_async(all_is_heard)
        await end_user.until(lambda: len(end_user.received) >= 3)
        live = await asyncio.to_thread(look, f"/p/{facts['project_id']}/live/")
        said = (await desk.said_by_end_user())[chat]
        await desk.does(chat, "end")
        await end_user.until(lambda: "LIVE_AGENT_LEFT" in end_user.types)
        await end_user.close()

    assert said[-3:] == [f"end user {number}" for number in range(3)]
    assert [one.text for one in end_user.received] == [f"live agent {n}" for n in range(3)]
    assert "Noor Halvorsen" in live


def test_its_admin_signs_in_and_every_page_opens_on_the_embedded_default(demo):
    """With SQLite, on which no other test looks at the portal's pages."""
    look, home = signed_in(demo)

    pages = {path for path in re.findall(r'href="(/[^"#?]*/)"', home) if path != "/logout/"}
    lists = [
        path for path in sorted(pages) if re.search("/(conversations|handoffs|log|audit)/$", path)
    ]
    rows = [re.search(r'href="(/p/[^"]+)"[^>]*data-row', look(path)) for path in lists]
    pages |= {row[1] for row in rows if row} | {f"{path}?q=order" for path in lists}
    for path in sorted(pages):
        assert "<main" in look(path), path
    assert len(lists) == 4
    assert len(pages) > 30


def test_every_vendor_is_in_the_demo_with_a_phrase_of_its_own(demo):
    simulators = demo.facts["simulators"]
    page = demo.get(demo.facts["widget_page"])

    phones = {key: one for key, one in simulators.items() if "phone_url" in one}
    assert {key: set(one) for key, one in phones.items()} == {
        "twilio": {"url", "phone_url", "number"}
    }
    simulators = {key: one for key, one in simulators.items() if key not in phones}
    assert set(simulators) | {"twilio_sms"} == {
        path.parent.parent.name for path in VENDORS.glob("*/simulator/demo.py")
    }
    assert {"salesforce_messaging", "amazon_connect", "genesys", "zendesk"} < set(simulators)
    phrases = [simulator["phrase"] for simulator in simulators.values()]
    assert len(set(phrases)) == len(phrases)
    assert phrases[0] == "I want to talk to a human"
    assert all(phrase in page for phrase in phrases)
    assert all(isinstance(value, str) for one in simulators.values() for value in one.values())


def test_simulators_know_the_portals_webhook_addresses_and_secrets(demo):
    simulators = demo.facts["simulators"]
    genesys, zendesk = (
        json.loads(demo.get(f"{simulators[key]['url']}/_desk/config"))
        for key in ("genesys", "zendesk")
    )

    base = f"{demo.facts['base_url']}/handoff/webhooks/"
    assert genesys["webhook_url"].startswith(f"{base}genesys/")
    assert genesys["webhook_secret"] == simulators["genesys"]["webhook_secret"]
    assert zendesk["webhook_target"].startswith(f"{base}zendesk/")
    assert zendesk["ticket_webhook_target"].endswith("/status")
    assert zendesk["ticket_webhook_key"] == simulators["zendesk"]["status_webhook_secret"]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("salesforce_messaging", "I want to talk to a human"),
        ("salesforce_messaging", "can i talk to an agent"),
        ("zendesk", "i want to talk to a human at zendesk!"),
        ("zendesk", "get me an agent at Zendesk please"),
        ("amazon_connect", "Let me speak to someone at Amazon Connect"),
        ("genesys", "a person at Genesys"),
    ],
)
def test_the_sentence_decides_which_vendor_answers(key, said):
    topics = [
        TopicText(id=found, name=topic["name"], example_queries=topic["example_queries"])
        for found, topic in vendor_topics().items()
    ]

    assert topic_match(said, topics).topic_id == key


def test_nobody_else_can_read_what_the_demo_writes(demo):
    assert mode(demo.var_dir) == 0o700
    assert mode(demo.var_dir / "demo.env") == 0o600
    assert mode(demo.var_dir / "demo.json") == 0o600
    assert mode(demo.var_dir / "baton.sqlite3") == 0o600


def test_killed_relay_worker_is_replaced_and_the_file_names_the_new_process(demo):
    before = demo.facts["processes"]["relay1"]

    os.kill(before, signal.SIGKILL)

    assert wait_until(lambda: demo.facts["processes"].get("relay1", before) != before, seconds=15)
    assert "relay1" in demo.output
    assert "starting again" in demo.output
    os.kill(demo.facts["processes"]["relay1"], 0)


def test_second_demo_on_the_same_port_is_refused_with_the_cure(demo, tmp_path):
    second = Demo(tmp_path / "var")
    second.port = demo.port

    output = second.start().fails()

    assert f"Port {demo.port} is in use" in output
    assert "make demo PORT=" in output
    assert "Traceback" not in output


def test_second_demo_with_the_same_data_is_refused_with_the_cure(demo):
    output = Demo(demo.var_dir).start().fails()

    assert "BATON_VAR_DIR" in output
    assert "Traceback" not in output


def test_given_redis_that_does_not_answer_is_named_with_the_cure(tmp_path):
    redis_url = f"redis://:hidden-word@127.0.0.1:{free_port()}/0"

    output = Demo(tmp_path / "var", REDIS_URL=redis_url).start().fails()

    assert "REDIS_URL" in output
    assert "hidden-word" not in output
    assert "Traceback" not in output


# The last ones that the running demo has: they stop it.
def test_demo_stops_in_time_and_keeps_its_data_and_its_login_for_the_next_one(demo):
    before = demo.facts
    demo.seed_again()
    after = demo.facts
    code = demo.stop()
    ports_left = [port for port in (demo.port, demo.port + 1) if _is_listening(port)]

    assert_kept(before, after)
    assert code == 0
    assert ports_left == []


@pytest.mark.long
def test_demo_starts_again_with_the_same_data(demo):
    before = demo.facts
    demo.stop()
    second = Demo(demo.var_dir).start().wait_started()
    after = second.facts
    second.stop()

    # It runs on another port now.
    for facts in (before, after):
        del facts["webchat"]["host"], facts["outside_agent"]["webchat"]["host"]
    assert_kept(before, after)


def assert_kept(before, after):
    for kept in ("workspace_id", "project_id", "api_key", "webchat", "outside_agent"):
        assert after[kept] == before[kept]
    assert after["admin"]["password"] == before["admin"]["password"]


@pytest.mark.long
def test_given_stores_are_used_and_left_running(tmp_path, postgres_url):
    database_url = database_create(postgres_url, "given_to_the_demo")
    with RedisServer(tmp_path / "given") as given:
        running = Demo(tmp_path / "var", DATABASE_URL=database_url, REDIS_URL=given.url)
        names = set(running.start().wait_started().facts["processes"])
        code = running.stop()

        assert code == 0
        assert "redis" not in names
        assert given.is_ready()
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT slug FROM integrations_project").fetchall()
    assert sorted(found) == [("demo-shop",), ("demo-shop-outside-agent",)]
    assert not (tmp_path / "var" / "baton.sqlite3").exists()
    database_drop(postgres_url, "given_to_the_demo")


def _free_row():
    """Return the first of as many free ports as the demo takes."""
    number = 2 + len(list(VENDORS.glob("*/simulator/demo.py")))
    first, *_ = [free_port() for _ in range(number)]
    return first


def _is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_demos_tools_leave_the_names_free_that_the_guides_give():
    theirs = {topic["actions"][0]["target"] for topic in vendor_topics().values()}

    sources = [tool_source(Integration(connector_key=key)) for key in vendor_topics()]

    given = {re.search(r"^def (\w+)", source, re.MULTILINE)[1] for source in sources}
    assert "transfer_to_salesforce" in given
    assert theirs & given == set()
