"""The product as processes: each part may die and come back, and readiness tells."""

import json
import signal
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from config.demo.processes import wait_until

CHECKS = ("database", "redis", "relay_worker")


def readiness(stack):
    """The readiness of each part as the portal sees it."""
    try:
        with urllib.request.urlopen(f"{stack.url}/readyz", timeout=10) as answer:
            return json.loads(answer.read())["checks"]
    except urllib.error.HTTPError as answer:
        return json.loads(answer.read())["checks"]


def is_ready(stack):
    return readiness(stack) == dict.fromkeys(CHECKS, "ok")


def test_sign_in_page_opens_without_a_complaint_from_the_browser(stack, page):
    page.goto("/")

    expect(page.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_relay_worker_is_enough_and_a_lost_one_comes_back_as_a_new_process(stack, number):
    before = stack.pid("relay1")

    stack.kill("relay1", number)
    alone = is_ready(stack)
    stack.start("relay1")

    assert alone
    assert stack.pid("relay1") != before


def test_portal_is_not_ready_without_a_relay_worker_and_says_so(stack):
    stack.kill("relay1")
    stack.kill("relay2")

    assert wait_until(lambda: readiness(stack)["relay_worker"] != "ok", seconds=15)

    stack.start("relay1")
    stack.start("relay2")
    assert wait_until(lambda: is_ready(stack), seconds=15)


def test_portal_is_not_ready_without_redis_and_is_again_when_redis_is_back(stack):
    stack.kill("redis")
    without = readiness(stack)

    stack.start("redis")
    stack.restart_redis()

    assert without["redis"] != "ok"
    assert without["database"] == "ok"
    assert wait_until(lambda: is_ready(stack), seconds=15)
    stack.wait_ready()


def test_web_process_comes_back_after_a_crash(stack):
    stack.kill("web")

    stack.start("web")

    assert is_ready(stack)
