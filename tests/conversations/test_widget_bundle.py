"""What a page loads of the chat widget: small, fresh, and from the portal alone."""

import gzip
import json
import re
from functools import partial
from pathlib import Path

from conversations.widget.bundle import (
    BUNDLE,
    LOADED_LATER,
    LOADER,
    MADE,
    STYLE,
    WIDGET,
    bundle_text,
    later_text,
    made,
)
from integrations.behaviour.languages import languages

MOST_BYTES = 24_000
MOST_OF_A_CONVERSATION_BYTES = 30_000
# With files, a survey, consent, a page's calls and no WebSocket, in the largest language.
MOST_EVER_BYTES = 40_000
ALWAYS_LOADED = [LOADER, BUNDLE, STYLE]
LATER = [MADE / name for name in LOADED_LATER]


def _gzipped_size(path):
    return len(gzip.compress(path.read_bytes(), 9))


def _all_text():
    return "".join(path.read_text() for path in [BUNDLE, *LATER])


def _largest_language():
    words = [json.dumps(dict(one.widget), ensure_ascii=False) for one in languages().values()]
    return max(len(gzip.compress(text.encode(), 9)) for text in words)


def test_what_every_page_and_a_plain_conversation_load_is_at_most_24_kb_gzipped():
    size = sum(map(_gzipped_size, ALWAYS_LOADED)) + _largest_language()

    assert size <= MOST_BYTES, f"{size} bytes gzipped"


def test_what_one_end_user_can_ever_load_is_at_most_40_kb_gzipped():
    # Why the widget does not appear is loaded where nothing else is.
    later = [path for path in LATER if path.name != "trouble.js"]

    size = sum(map(_gzipped_size, [*ALWAYS_LOADED, *later])) + _largest_language()

    assert size <= MOST_EVER_BYTES, f"{size} bytes gzipped"


def test_a_conversation_with_markdown_and_files_loads_at_most_30_kb_gzipped():
    loaded = [*ALWAYS_LOADED, MADE / "markdown.js", MADE / "files.js"]

    assert sum(map(_gzipped_size, loaded)) + _largest_language() <= MOST_OF_A_CONVERSATION_BYTES


def test_what_is_loaded_later_is_at_most_3_kb_gzipped_and_what_is_offered_at_most_5():
    most = {"offering.js": 5_000}

    assert [path.name for path in LATER if _gzipped_size(path) > most.get(path.name, 3_000)] == []


def test_what_is_made_is_what_the_modules_make():
    for path, text in made().items():
        assert path.read_text() == text, "run python -m conversations.widget.bundle"


def test_every_module_is_loaded_once(tmp_path):
    made_of = [_modules(tmp_path, bundle_text)]
    made_of += [_modules(tmp_path, partial(later_text, name)) for name in LOADED_LATER]

    modules = {str(path.relative_to(WIDGET)) for path in WIDGET.rglob("*.js")}
    modules -= {f"{MADE.name}/{name}" for name in LOADED_LATER} | {BUNDLE.name, "loader.js"}
    assert sorted(module for one in made_of for module in one) == sorted(modules)


def _modules(tmp_path, make):
    make(f"--metafile={tmp_path}/made_of.json", f"--outfile={tmp_path}/made.js")
    return json.loads((tmp_path / "made_of.json").read_text())["inputs"]


def test_what_is_loaded_later_imports_nothing_but_the_bundle():
    later = "".join(map(Path.read_text, LATER))
    imported = re.findall(r"(?:^|;|\n)import\b[^\"]*\"([^\"]*)\"", later)

    assert set(imported) == {"../bundle.js"}
    assert re.findall(r"(?:^|;|\n)import\b", BUNDLE.read_text()) == []


def test_nothing_loaded_names_another_origin():
    svg_namespace = "http://www.w3.org/2000/svg"

    addresses = {
        address
        for path in [*ALWAYS_LOADED, *LATER]
        for address in re.findall(r"(?:https?|wss?)://[\w.-]+[^\s\"'`)]*", path.read_text())
    }

    assert addresses <= {svg_namespace}


def test_the_widget_never_parses_text_as_html():
    found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", _all_text())

    assert found == []


def test_every_colour_and_size_that_a_style_names_is_set_somewhere():
    text = "".join(path.read_text() for path in [WIDGET / STYLE.name, *WIDGET.rglob("*.js")])
    named = set(re.findall(r"var\((--[\w-]+)", text))
    written = re.findall(r"(--[\w-]+)\s*:|setProperty\(\"(--[\w-]+)\"", text)
    # Those of a look are made of its names (view.js).
    made = {
        one for one in named if re.fullmatch(r"--baton-(light|dark)-(fill|on|link|.*head)", one)
    }

    assert "`--baton-${name}-${part}`" in text
    assert named - {one for pair in written for one in pair} - made == set()
