"""Have esbuild join the widget's modules into the one small file that a page loads."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

WIDGET = Path(__file__).parent.parent / "static" / "conversations" / "widget"
BUNDLE = WIDGET / "bundle.js"
MADE = WIDGET / "made"
STYLE = MADE / "styles.css"
# What the script tag of a page names.
LOADER = WIDGET.parent / "widget.js"
# Put there by make setup's step for tests: running Baton needs no Node.
ESBUILD = str(Path(sys.prefix) / "node" / "node_modules" / ".bin" / "esbuild")
LOADED_LATER = (
    "markdown.js",
    "offering.js",
    "files.js",
    "http_socket.js",
    "survey.js",
    "before.js",
    "page_calls.js",
    "trouble.js",
)
# What the bundle hands to the modules that are loaded later.
SHARED = "shared.js"
# A sheet in a module, which esbuild leaves as it is written.
_STYLE = re.compile(r"`\n([.@][^`]*)`")
OPTIONS = [
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--charset=utf8",
    "--legal-comments=none",
    "--log-level=warning",
]


def bundle_text(*more_options: str) -> str:
    """Return the bundle of main.js and all that it imports, but for what is loaded later.

    Raises CalledProcessError, after esbuild has said why, for a module that does not parse.
    """
    return _esbuild("main.js", *OPTIONS, *more_options)


def later_text(name: str, *more_options: str) -> str:
    """Return a module that is loaded later, made small, without what is in the bundle."""
    apart = [f"--external:./{SHARED}", f"--external:../{SHARED}"]
    text = _STYLE.sub(_small_style, _esbuild(name, *OPTIONS, *apart, *more_options))
    return re.sub(rf'"\.\.?/{SHARED}"', f'"../{BUNDLE.name}"', text)


def made() -> dict[Path, str]:
    """Return every file that is made, with its text."""
    later = {MADE / name: later_text(name) for name in LOADED_LATER}
    loader = _esbuild("loader.js", "--minify", "--target=es2022")
    style = _esbuild("styles.css", "--minify")
    return {LOADER: loader, BUNDLE: bundle_text(), STYLE: style, **later}


def _small_style(found: re.Match[str]) -> str:
    options = ["--loader=css", "--minify", "--charset=utf8"]
    return f"`{_esbuild(*options, given=found[1]).strip()}`"


def _esbuild(*arguments: str, given: str | None = None) -> str:
    command = [ESBUILD, *arguments]
    done = subprocess.run(  # noqa: S603 - the command is ours, no shell
        command, cwd=WIDGET, input=given, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    MADE.mkdir(exist_ok=True)
    for path, text in made().items():
        path.write_text(text)
        sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes\n")
