"""Have esbuild join the widget's modules into the one small file that a page loads."""

from __future__ import annotations

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
    "files.js",
    "http_socket.js",
    "survey.js",
    "before.js",
    "page_calls.js",
    "trouble.js",
)
OPTIONS = [
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--legal-comments=none",
    "--log-level=warning",
    # Fetched when they are needed: the sending of files, life without WebSockets.
    *(f"--external:./{name}" for name in LOADED_LATER),
]


def bundle_text(*more_options: str) -> str:
    """Return the bundle of main.js and all that it imports, but for what is loaded later.

    Raises CalledProcessError, after esbuild has said why, for a module that does not parse.
    """
    text = _made_of("main.js", *OPTIONS, *more_options)
    for name in LOADED_LATER:
        text = text.replace(f'import("./{name}")', f'import("./{MADE.name}/{name}")')
    return text


def later_text(name: str) -> str:
    """Return a module that is loaded later, made small."""
    return _made_of(name, *OPTIONS)


def made() -> dict[Path, str]:
    """Return every file that is made, with its text."""
    later = {MADE / name: later_text(name) for name in LOADED_LATER}
    loader = _made_of("loader.js", "--minify", "--target=es2022")
    style = _made_of("styles.css", "--minify")
    return {LOADER: loader, BUNDLE: bundle_text(), STYLE: style, **later}


def _made_of(entry: str, *options: str) -> str:
    command = [ESBUILD, entry, *options]
    done = subprocess.run(command, cwd=WIDGET, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - the command is ours, no shell
    return done.stdout


if __name__ == "__main__":
    MADE.mkdir(exist_ok=True)
    for path, text in made().items():
        path.write_text(text)
        sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes\n")
