"""What people type, paste and send: text is text, files wait for Send, refusals can be mended."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.conversations.widget_lab import Lab, message

FILES = "**/sessions/s1/files"
LIMITS = {"max_bytes": 1_000_000, "mime": ["image/png", "application/pdf", "text/plain"]}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PICTURE = {"name": "receipt.png", "mimeType": "image/png", "buffer": PIXEL}
PASTE = """([text, hasPicture]) => {
  const data = new DataTransfer();
  if (text) data.setData("text/plain", text);
  if (hasPicture) data.items.add(new File(["x"], "image.png", { type: "image/png" }));
  const field = document.querySelector("baton-widget").shadowRoot.querySelector("textarea");
  return field.dispatchEvent(new ClipboardEvent("paste",
    { clipboardData: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def lab(browser: Browser) -> Iterator[Lab]:
    made = Lab(browser, limits=LIMITS)
    made.echoes()
    yield made
    made.context.close()


def opened(lab: Lab) -> Page:
    page = lab.open()
    expect(page.get_by_test_id("attach")).to_be_visible()
    return page


def said(lab: Lab) -> list[tuple[str, list[str]]]:
    """Return texts and files of the messages that the widget sent."""
    payloads = [frame["payload"] for frame in lab.sent("USER_MESSAGE")]
    return [
        (one["text"], [file["file_id"] for file in one.get("attachments", ())]) for one in payloads
    ]


def test_a_picture_waits_in_the_composer_until_it_is_sent_with_the_text(lab: Lab) -> None:
    page = opened(lab)
    page.get_by_test_id("file-input").set_input_files([PICTURE, PICTURE])

    rows = page.get_by_test_id("upload")
    expect(rows).to_have_count(2)
    expect(rows.first.get_by_role("img", name="receipt.png")).to_be_visible()
    expect(rows.first).to_contain_text("receipt.png")
    assert (lab.uploads, said(lab)) == ([], [])
    rows.last.get_by_test_id("remove-file").click()
    expect(rows).to_have_count(1)
    page.get_by_test_id("input").fill("Here it is")
    page.get_by_test_id("send").click()
    expect(rows).to_have_count(0)
    expect(page.get_by_test_id("input")).to_have_value("")

    assert len(lab.uploads) == 1
    assert said(lab) == [("Here it is", ["f1"])]


def test_a_file_goes_without_a_text_too(lab: Lab) -> None:
    page = opened(lab)
    page.get_by_test_id("file-input").set_input_files(PICTURE)
    page.get_by_test_id("input").press("Enter")
    expect(page.get_by_test_id("upload")).to_have_count(0)

    assert said(lab) == [("", ["f1"])]


def test_what_is_too_large_or_not_taken_is_said_before_anything_is_uploaded(lab: Lab) -> None:
    page = opened(lab)
    chooser, refusal = page.get_by_test_id("file-input"), page.get_by_test_id("refusal")

    chooser.set_input_files({**PICTURE, "buffer": b"x" * 1_100_000})
    expect(refusal).to_have_text("receipt.png has 1.05 MB. The limit is 976.57 kB.")
    chooser.set_input_files({"name": "film.mp4", "mimeType": "video/mp4", "buffer": b"x"})
    expect(refusal).to_have_text("film.mp4 cannot be sent. Taken are: PNG, PDF, TXT.")
    chooser.set_input_files({**PICTURE, "buffer": b""})
    expect(refusal).to_have_text("receipt.png is empty.")
    chooser.set_input_files([PICTURE] * 11)
    expect(refusal).to_have_text("At most 10 files at once.")
    expect(page.get_by_test_id("upload")).to_have_count(10)

    assert lab.uploads == []


def test_a_folder_that_is_dropped_is_refused_and_the_files_beside_it_are_taken(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "Holiday").mkdir()
    (tmp_path / "bill.txt").write_text("41.50")
    page = opened(lab)
    devtools = page.context.new_cdp_session(page)
    dropped = {"items": [], "files": [str(tmp_path / name) for name in ("Holiday", "bill.txt")]}
    box = page.get_by_test_id("log").bounding_box()
    assert box

    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + 50, "y": box["y"] + 50}
        data = {"data": dropped | {"dragOperationsMask": 1}}
        devtools.send("Input.dispatchDragEvent", {"type": kind, **place, **data})

    expect(page.get_by_test_id("refusal")).to_have_text(
        "Holiday cannot be sent. Taken are: PNG, PDF, TXT."
    )
    expect(page.get_by_test_id("upload")).to_have_count(1)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (422, "receipt.png was refused: the virus scanner found something in it."),
        (415, "receipt.png cannot be sent. Taken are: PNG, PDF, TXT."),
        (503, "receipt.png could not be sent. Try again."),
    ],
)
def test_a_file_that_the_portal_refuses_says_why_and_the_text_stays(
    lab: Lab, status: int, reason: str
) -> None:
    page = opened(lab)
    lab.upload_status = status
    page.get_by_test_id("file-input").set_input_files(PICTURE)
    page.get_by_test_id("input").fill("With a picture")
    page.get_by_test_id("send").click()

    expect(page.get_by_test_id("upload")).to_contain_text(reason)
    expect(page.get_by_test_id("input")).to_have_value("With a picture")
    assert said(lab) == []
    page.get_by_test_id("remove-file").click()
    page.get_by_test_id("send").click()
    expect(message(page, "With a picture")).to_be_visible()
    assert said(lab) == [("With a picture", [])]


def test_the_text_of_a_file_stays_until_the_file_is_there_and_so_does_what_is_written_on(
    lab: Lab,
) -> None:
    page = opened(lab)
    held: list[Route] = []
    lab.context.route(FILES, lambda route: held.append(route))
    page.get_by_test_id("file-input").set_input_files(PICTURE)
    page.get_by_test_id("input").fill("With a picture")
    with page.expect_request(FILES):
        page.get_by_test_id("input").press("Enter")

    page.get_by_test_id("input").press_sequentially(" And then?")
    held[0].fulfill(json={"file_id": "f1", "file_name": "x", "mime_type": "image/png"})

    expect(message(page, "With a picture")).to_be_visible()
    expect(page.get_by_test_id("input")).to_have_value("And then?")
    assert said(lab) == [("With a picture", ["f1"])]
    page.get_by_test_id("file-input").set_input_files(PICTURE)
    with page.expect_request(FILES):
        page.get_by_test_id("send").click()
    page.reload()
    expect(page.get_by_test_id("input")).to_have_value("And then?")


def test_text_from_a_spreadsheet_is_pasted_as_text_and_a_lone_picture_as_a_file(lab: Lab) -> None:
    page = opened(lab)

    assert page.evaluate(PASTE, ["a\tb", True])  # the browser pastes the text itself
    expect(page.get_by_test_id("upload")).to_have_count(0)
    assert not page.evaluate(PASTE, ["", True])
    expect(page.get_by_test_id("upload")).to_have_count(1)


def test_what_no_text_may_hold_is_cleaned_before_it_is_sent(lab: Lab) -> None:
    page = opened(lab)
    field = page.get_by_test_id("input")
    field.evaluate("(field) => { field.value = 'a\\0b\\ud83dc\\u0007 \\ud83d\\ude00'; }")
    field.press("Enter")
    expect(message(page, "abc")).to_be_visible()
    field.evaluate("(field) => { field.value = '\\0\\udc00'; }")
    field.press("Enter")

    assert said(lab) == [("abc \N{GRINNING FACE}", [])]


def test_a_refused_message_says_why_and_is_edited_and_sent_again(lab: Lab) -> None:
    lab.refuses("event_not_allowed", "Nobody can be written to at the moment.")
    page = opened(lab)
    page.get_by_test_id("input").fill("Hello?")
    page.get_by_test_id("input").press("Enter")
    line = message(page, "Hello?")

    expect(line).to_contain_text("Not delivered. Nobody can be written to at the moment.")
    expect(page.locator("[data-from=system]").filter(has_text="Nobody can")).to_have_count(0)
    lab.echoes()
    line.get_by_test_id("edit").click()
    expect(line).to_have_count(0)
    expect(page.get_by_test_id("input")).to_have_value("Hello?")
    expect(page.get_by_test_id("input")).to_be_focused()
    page.get_by_test_id("input").fill("Hello again")
    page.get_by_test_id("input").press("Enter")

    expect(message(page, "Hello again")).to_have_attribute("data-status", "sent")
    assert [text for text, _ in said(lab)] == ["Hello?", "Hello again"]


def test_what_was_written_and_not_sent_is_there_after_a_reload(lab: Lab) -> None:
    page = opened(lab)
    page.get_by_test_id("input").fill("Half a sen")
    page.reload()

    expect(page.get_by_test_id("input")).to_have_value("Half a sen")


COMPOSING_ENTER = """(field, [isComposing, keyCode]) => field.dispatchEvent(
  new KeyboardEvent("keydown", { key: "Enter", isComposing, keyCode, bubbles: true }))"""


@pytest.mark.parametrize(("is_composing", "key_code"), [(True, 13), (False, 229)])
def test_the_key_that_ends_a_composition_sends_nothing(
    lab: Lab, is_composing: bool, key_code: int
) -> None:
    page = opened(lab)
    field = page.get_by_test_id("input")
    field.focus()
    typing = page.context.new_cdp_session(page)
    typing.send(
        "Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3}
    )
    field.evaluate(COMPOSING_ENTER, [is_composing, key_code])
    typing.send("Input.insertText", {"text": "日本"})
    expect(field).to_have_value("日本")
    assert said(lab) == []

    field.press("Enter")

    expect(message(page, "日本")).to_have_count(1)
    assert said(lab) == [("日本", [])]
