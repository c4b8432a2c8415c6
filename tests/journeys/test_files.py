"""Files both ways, with every vendor that takes them: the bytes that arrive are those sent."""

from __future__ import annotations

import base64
import re
import urllib.request
import zlib

import pytest
from playwright.sync_api import Page, expect

from config.demo.vendors import demo_vendors
from integrations.contract.manifest import Capability
from integrations.contract.registry import manifest_get
from tests.journeys.people import Desk, EndUser
from tests.journeys.stack import Stack
from tests.waiting import eventually

AGENT = "Noor Halvorsen"
BOTH_WAYS = {Capability.ATTACHMENT_OUT, Capability.ATTACHMENT_IN}
# Multipart, an upload to a storage, an address to fetch: the others do as one of these.
WAYS = ("salesforce_messaging", "amazon_connect", "genesys")
VENDORS = [
    pytest.param(key, marks=() if key in WAYS else pytest.mark.long)
    for key in demo_vendors()
    if manifest_get(key).capabilities >= BOTH_WAYS
]


def png(colour: bytes) -> bytes:
    """Return a picture of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        size, check = len(data).to_bytes(4, "big"), zlib.crc32(kind + data).to_bytes(4, "big")
        return size + kind + data + check

    header = (1).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    pixels = zlib.compress(b"\x00" + colour)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


RECEIPT, MAP = png(b"\xc0\x20\x20"), png(b"\x20\x20\xc0")


class Sides:
    """An end user with a vendor's live agent who has accepted."""

    def __init__(self, key: str, page: Page, stack: Stack) -> None:
        self.end_user = EndUser(page, stack)
        self.url = stack.simulator_urls[key]
        self.desk = Desk(self.url)
        marker = self.end_user.leaves_a_marker()
        self.end_user.write(stack.demo["simulators"][key]["phrase"])
        waiting = eventually(
            lambda: [r for r in self.desk.holding(marker) if r["status"] == "queued"]
        )
        self.chat = str(waiting[0]["id"])
        self.desk.does(self.chat, "accept", agent_name=AGENT)
        self.end_user.is_in_state("live")

    def at_desk(self, name: str) -> bytes | None:
        """Return a file of the end user's as the live agent gets it, once it is there."""
        row = next(row for row in self.desk.conversations() if row["id"] == self.chat)
        for line in row["messages"]:
            for file in line["attachments"]:
                if line["from"] == "end_user" and file["name"] == name:
                    return fetched(self.url, file["url"])
        return None


def fetched(origin: str, url: str) -> bytes:
    """Download what a link names."""
    with urllib.request.urlopen(url if "://" in url else origin + url, timeout=10) as answer:
        body: bytes = answer.read()
    return body


def bring(
    end_user: EndUser, way: str, name: str, kind: str, *, content: bytes = b"", zeros: int = 0
) -> None:
    """Paste or drop a file, made in the page, into the field."""
    end_user.by_id("input").evaluate(
        """(field, { way, name, type, bytes, zeros }) => {
            const data = new DataTransfer();
            const parts = [new Uint8Array(bytes), new Uint8Array(zeros)];
            data.items.add(new File(parts, name, { type }));
            const how = { bubbles: true, composed: true, cancelable: true };
            field.dispatchEvent(way === "paste"
                ? new ClipboardEvent("paste", { ...how, clipboardData: data })
                : new DragEvent("drop", { ...how, dataTransfer: data }));
        }""",
        {"way": way, "name": name, "type": kind, "bytes": list(content), "zeros": zeros},
    )


@pytest.mark.parametrize("key", VENDORS)
def test_a_picture_goes_to_the_live_agent_and_one_comes_back(
    key: str, page: Page, stack: Stack
) -> None:
    sides = Sides(key, page, stack)
    end_user = sides.end_user
    expect(end_user.by_id("attach")).to_be_visible()

    end_user.by_id("file-input").set_input_files(
        {"name": "receipt.png", "mimeType": "image/png", "buffer": RECEIPT}
    )
    end_user.by_id("send").click()

    own = end_user.messages("end_user").last
    expect(own).to_have_attribute("data-status", re.compile("sent|delivered|read"))
    expect(own.get_by_role("img", name="receipt.png")).to_be_visible()
    assert eventually(lambda: sides.at_desk("receipt.png")) == RECEIPT
    content = base64.b64encode(MAP).decode()
    sides.desk.does(
        sides.chat, "file", name="map.png", mime_type="image/png", content_base64=content
    )
    picture = (
        end_user.messages("live_agent").get_by_role("link").filter(has=page.get_by_role("img"))
    )
    expect(picture).to_be_visible()
    address = picture.get_attribute("href")
    assert address is not None and address.startswith(f"{stack.url}/files/")
    assert fetched(stack.url, address) == MAP


def test_what_salesforce_would_not_take_is_refused_before_it_is_sent(
    page: Page, stack: Stack
) -> None:
    end_user = Sides("salesforce_messaging", page, stack).end_user
    expect(end_user.by_id("attach")).to_be_visible()
    uploads: list[str] = []
    page.on("request", lambda request: uploads.append(request.url))

    bring(end_user, "drop", "film.png", "image/png", zeros=5 * 1024 * 1024 + 9000)
    expect(end_user.by_id("refusal")).to_have_text("film.png has 5.01 MB. The limit is 5 MB.")
    bring(end_user, "drop", "setup.exe", "application/x-msdownload", content=b"MZ")
    expect(end_user.by_id("refusal")).to_contain_text("setup.exe cannot be sent. Taken are: ")

    assert [url for url in uploads if url.endswith("/files")] == []


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_may_be_pasted_or_dropped_and_goes_with_the_text(
    way: str, page: Page, stack: Stack
) -> None:
    sides = Sides("salesforce_messaging", page, stack)
    end_user = sides.end_user
    expect(end_user.by_id("attach")).to_be_visible()
    end_user.by_id("input").fill("Half a sentence")

    bring(end_user, way, "shot.png", "image/png", content=RECEIPT)
    expect(end_user.by_id("upload").get_by_role("img", name="shot.png")).to_be_visible()
    expect(end_user.by_id("input")).to_have_value("Half a sentence")
    end_user.by_id("input").press("Enter")

    own = end_user.messages("end_user").last
    expect(own.get_by_role("img", name="shot.png")).to_be_visible()
    expect(own).to_contain_text("Half a sentence")
    assert eventually(lambda: sides.at_desk("shot.png")) == RECEIPT


def test_the_paper_clip_is_there_only_while_a_live_agent_takes_files(
    page: Page, stack: Stack
) -> None:
    sides = Sides("salesforce_messaging", page, stack)
    clip = sides.end_user.by_id("attach")
    expect(clip).to_be_visible()

    sides.desk.does(sides.chat, "end")
    sides.end_user.is_in_state("closed")
    sides.end_user.by_id("new-chat").click()
    sides.end_user.is_in_state("ai")

    expect(sides.end_user.by_id("input")).to_be_visible()
    expect(clip).to_be_hidden()
