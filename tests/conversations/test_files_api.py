"""Uploading a file: what is taken, and the exact code for everything that is not."""

from __future__ import annotations

import hashlib
import socketserver
import struct
import threading
import time
import uuid
from contextlib import suppress

import pytest
from django.core.files.base import ContentFile
from django.db import connections
from django.test import Client

from conversations.files.scanner import ScannerAwayError, file_scan
from conversations.models import Attachment, Conversation
from handoffs.states import State
from tests import factories
from tests.conversations.handshake_calls import error
from tests.conversations.uploading import PNG, a_file, token_for, upload

pytestmark = pytest.mark.django_db
OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def handed_off(**integration) -> Conversation:
    made = factories.handoff(
        state=State.ACTIVE, of_integration=factories.integration(**integration)
    )
    return Conversation.objects.select_related("channel").get(pk=made.conversation_id)


@pytest.fixture
def conversation() -> Conversation:
    return handed_off()


def test_a_file_is_stored_byte_for_byte_and_named_in_the_answer(conversation):
    response = upload(conversation, a_file())

    [kept] = Attachment.objects.all()
    assert (response.status_code, response.json()) == (
        200,
        {
            "file_id": str(kept.pk),
            "file_name": "receipt.png",
            "mime_type": "image/png",
            "size_bytes": len(PNG),
        },
    )
    assert kept.file.read() == PNG
    assert kept.sha256 == hashlib.sha256(PNG).hexdigest()
    assert (kept.conversation, kept.direction, kept.event) == (conversation, "from_end_user", None)


@pytest.mark.parametrize(
    ("name", "kind", "content", "stored_as"),
    [
        ("notes.txt", "text/plain; charset=utf-8", b"hello", "text/plain"),
        ("table.csv", "application/vnd.ms-excel", b"a,b", "text/csv"),
        ("photo.JPG", "image/jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("letter.docx", "", b"PK\x03\x04", OFFICE),
        ("scan.pdf", "application/octet-stream", b"%PDF-1.7", "application/pdf"),
        ("table.csv", "text/plain", b"a,b", "text/csv"),
        ("letter.docx", "application/zip", b"PK\x03\x04", OFFICE),
        ("notes.txt", "text/javascript", b"let a;", "text/plain"),
    ],
)
def test_a_type_is_found_by_name_and_declaration(conversation, name, kind, content, stored_as):
    response = upload(conversation, a_file(name, content, kind))

    assert response.json().get("mime_type") == stored_as


@pytest.mark.parametrize(
    ("name", "kind", "named"),
    [
        ("receipt.png", "text/plain", "receipt.png"),
        ("photo.jpg", "image/jpeg", "photo.png"),
        ("scan.pdf", "application/pdf", "scan.pdf.png"),
        ("IMG_0001", "", "IMG_0001.png"),
    ],
)
def test_a_picture_is_what_its_first_bytes_say(conversation, name, kind, named):
    body = upload(conversation, a_file(name, PNG, kind)).json()

    assert (body["mime_type"], body["file_name"]) == ("image/png", named)


# ---- the virus scanner ----


@pytest.fixture
def scanner(settings):
    """clamd, as far as INSTREAM goes: it finds something in what holds its mark."""
    heard: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            assert self.rfile.read(10) == b"zINSTREAM\0"
            content = b""
            while size := struct.unpack("!L", self.rfile.read(4))[0]:
                content += self.rfile.read(size)
            heard.append(content)
            verdict = b"Test-Signature FOUND" if b"VIRUS" in content else b"OK"
            self.wfile.write(b"stream: " + verdict + b"\0")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.FILE_SCANNER = f"tcp://127.0.0.1:{server.server_address[1]}"
        yield heard
        server.shutdown()


def test_the_scanner_sees_every_byte_before_a_file_is_kept(conversation, scanner):
    content = PNG + b"x" * 200_000

    clean = upload(conversation, a_file(content=content))
    infected = upload(conversation, a_file(content=content + b"VIRUS"))

    assert clean.status_code == 200
    assert error(infected)[:2] == (422, "ATTACHMENT_INFECTED")
    assert scanner == [content, content + b"VIRUS"]
    assert [kept.file.read() for kept in Attachment.objects.all()] == [content]


def test_while_the_scanner_is_away_no_file_is_taken(conversation, settings):
    settings.FILE_SCANNER = "unix:/nowhere/clamd.ctl"

    refused = upload(conversation, a_file())

    assert error(refused)[:2] == (503, "ATTACHMENT_NOT_CHECKED")
    assert refused["Retry-After"] == "10"
    assert not Attachment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_whoever_waits_for_the_scanner_holds_no_connection(conversation, settings):
    held: list[bool] = []
    database = connections["default"]

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            held.append(database.connection is not None)
            self.wfile.write(b"stream: OK\0")
            self.rfile.read()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.FILE_SCANNER = f"tcp://127.0.0.1:{server.server_address[1]}"
        taken = upload(conversation, a_file())
        server.shutdown()

    assert taken.status_code == 200
    assert held == [False]


def test_a_scanner_that_says_something_and_never_a_verdict_is_away(settings):
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            with suppress(OSError):
                while True:
                    self.wfile.write(b".")
                    time.sleep(0.05)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.FILE_SCANNER = f"tcp://127.0.0.1:{server.server_address[1]}"
        settings.FILE_SCANNER_SECONDS = 0.5
        with pytest.raises(ScannerAwayError):
            file_scan(ContentFile(PNG))
        server.shutdown()


# ---- who may ----


def test_a_token_that_is_none_is_refused(conversation):
    assert error(upload(conversation, a_file(), token="x"))[:2] == (401, "UNAUTHORIZED")


def test_another_end_users_token_is_refused(conversation):
    stranger = token_for(handed_off())

    assert error(upload(conversation, a_file(), token=stranger)) == (
        401,
        "UNAUTHORIZED",
        "The access token belongs to another session.",
    )


def test_a_page_that_may_not_use_the_channel_is_refused(conversation):
    refused = upload(conversation, a_file(), Origin="https://evil.example")
    allowed = upload(conversation, a_file(), Origin="https://shop.example")

    assert error(refused)[:2] == (401, "UNAUTHORIZED")
    assert allowed.status_code == 200
    assert allowed["Access-Control-Allow-Origin"] == "*"


def test_an_unknown_session_is_not_found(conversation):
    token = token_for(conversation)
    conversation.session_id = uuid.uuid4()

    assert error(upload(conversation, a_file(), token=token))[:2] == (404, "SESSION_NOT_FOUND")


def test_the_browser_may_ask_before_it_uploads(conversation):
    answer = Client().options(
        f"/api/v1/sessions/{conversation.session_id}/files",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        },
    )

    assert "authorization" in answer["Access-Control-Allow-Headers"]


# ---- when, and which ----


def test_while_no_live_agent_is_asked_for_no_file_is_taken():
    made = factories.conversation()

    assert error(upload(made, a_file()))[:2] == (409, "HANDOFF_NOT_OPEN")
    assert not Attachment.objects.exists()


@pytest.mark.parametrize(
    "integration",
    [{"behaviour": {"attachments_user": False}}, {"connector_key": "zendesk_tickets"}],
    ids=["switched off", "a vendor without files"],
)
def test_where_nobody_takes_files_none_is_taken(integration):
    answer = error(upload(handed_off(**integration), a_file()))

    assert answer[:2] == (415, "ATTACHMENTS_NOT_TAKEN")


def test_a_file_above_the_limit_is_refused_and_one_at_it_is_taken(conversation, settings):
    settings.ATTACHMENT_MAX_BYTES = len(PNG)

    taken = upload(conversation, a_file())
    refused = upload(conversation, a_file(content=PNG + b"!"))

    assert taken.status_code == 200
    assert error(refused) == (
        413,
        "ATTACHMENT_TOO_LARGE",
        f"The file has {len(PNG) + 1} bytes; {len(PNG)} are allowed.",
    )


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("receipt.png", "image/png", b"<script>alert(1)</script>"),
        ("receipt.pdf", "application/pdf", b"no page"),
        ("notes.txt", "application/x-msdownload", b"MZ"),
        ("setup.exe", "application/x-msdownload", b"MZ"),
        ("page.html", "text/html", b"<p>"),
        ("drawing.svg", "image/svg+xml", b"<svg/>"),
        ("no-ending", "", b"hello"),
    ],
)
def test_a_type_that_is_not_taken_or_not_true_is_refused(conversation, name, kind, content):
    answer = error(upload(conversation, a_file(name, content, kind)))

    assert answer[:2] == (415, "ATTACHMENT_TYPE_REFUSED")
    assert not Attachment.objects.exists()


def test_exactly_one_file_that_is_not_empty_is_asked_for(conversation):
    for files in ([], [a_file(), a_file()], [a_file(content=b"")]):
        assert error(upload(conversation, *files))[:2] == (400, "INVALID_REQUEST")


def test_too_many_files_a_minute_are_refused_and_it_says_when_to_come_back(conversation, settings):
    settings.ATTACHMENTS_PER_MINUTE = 1

    # Of three at least two are in one minute.
    first, *more = [upload(conversation, a_file()) for _ in range(3)]

    refused = next(answer for answer in more if answer.status_code != 200)
    assert first.status_code == 200
    assert error(refused)[:2] == (429, "RATE_LIMITED")
    assert 0 < int(refused["Retry-After"]) <= 60
