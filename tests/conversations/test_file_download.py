"""Giving a file to whoever has its address: how, and until when."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from conversations.files.attachments import (
    attachment_object,
    attachments_purge,
    download_url,
    vendor_url,
)
from conversations.files.types import safe_name
from conversations.models import Attachment
from tests import factories
from tests.conversations.uploading import PNG, stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation_id() -> str:
    return factories.conversation().pk


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def get(client, url: str):
    return client.get(urlsplit(url).path)


def test_a_picture_is_shown_and_can_run_nothing(client, conversation_id):
    response = get(client, download_url(stored(conversation_id)))

    assert body(response) == PNG
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"] == 'inline; filename="receipt.png"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/pdf"])
def test_anything_else_is_saved(client, conversation_id, kind):
    file = stored(conversation_id, b"<script>", name="page.html", mime_type=kind)

    response = get(client, download_url(file))

    assert response["Content-Disposition"] == 'attachment; filename="page.html"'
    assert "sandbox" in response["Content-Security-Policy"]


def test_the_object_in_the_journal_tells_pictures_from_files(conversation_id):
    picture = attachment_object(stored(conversation_id))
    file = attachment_object(stored(conversation_id, name="a b.pdf", mime_type="application/pdf"))

    assert picture["content_type"] == "ATTACHMENT_CONTENT_TYPE_IMAGE"
    assert picture["preview_image_url"] == picture["content_url"]
    assert file["content_type"] == "ATTACHMENT_CONTENT_TYPE_FILE"
    assert file["preview_image_url"] == ""
    assert file["content_url"].endswith("/a%20b.pdf")
    assert (file["file_name"], file["mime_type"], file["size_bytes"]) == (
        "a b.pdf",
        "application/pdf",
        len(PNG),
    )


def test_a_wrong_address_names_nothing(client, conversation_id):
    token = stored(conversation_id).token

    for wrong in (token[:-1], token + "x", f"{token}:a:b", "x"):
        assert client.get(f"/files/{wrong}/receipt.png").status_code == 404


def test_a_vendors_address_is_signed_and_expires(client, conversation_id, settings):
    url = vendor_url(stored(conversation_id))

    assert body(get(client, url)) == PNG
    forged = url.replace("/files/", "/files/0")
    assert get(client, forged).status_code == 404
    settings.ATTACHMENT_URL_SECONDS = 0
    assert get(client, url).status_code == 404


def test_what_was_kept_long_enough_is_gone_from_page_row_and_disk(
    client, conversation_id, settings
):
    old, young = stored(conversation_id), stored(conversation_id)
    path = Path(old.file.path)
    kept_for = timedelta(days=settings.ATTACHMENT_KEEP_DAYS, seconds=1)
    Attachment.objects.filter(pk=old.pk).update(created_at=timezone.now() - kept_for)

    assert path.exists()
    assert get(client, download_url(old)).status_code == 404
    attachments_purge()

    assert not path.exists()
    assert list(Attachment.objects.all()) == [young]
    assert get(client, download_url(young)).status_code == 200


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\bill.pdf", "bill.pdf"),
        ("bill\u202efdp.exe", "billfdp.exe"),
        ("a\r\nb\x00.txt", "ab.txt"),
        ("...", "file"),
        ("", "file"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_a_name_holds_no_path_and_nothing_that_lies(given, kept):
    assert safe_name(given) == kept


def test_an_address_is_good_for_so_many_downloads_and_a_vendors_is_its_own(
    client, conversation_id, settings
):
    settings.ATTACHMENT_DOWNLOADS_MAX = 2
    file = stored(conversation_id)

    codes = [get(client, download_url(file)).status_code for _ in range(3)]

    assert codes == [200, 200, 404]
    assert get(client, vendor_url(file)).status_code == 200
