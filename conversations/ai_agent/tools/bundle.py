"""Have esbuild join the tool editor's modules, and CodeMirror, into the one file of its page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conversations.widget.bundle import ESBUILD

EDITOR = Path(__file__).parents[2] / "static" / "portal" / "editor"
BUNDLE = EDITOR.parent / "tool_editor.js"
# Put there by make setup's step for tests: running Baton needs no Node.
PACKAGES = Path(sys.prefix) / "node" / "node_modules"
OPTIONS = [
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--legal-comments=none",
    "--log-level=warning",
    # CodeMirror, by Marijn Haverbeke and others, is MIT: its page keeps the notice.
    "--banner:js=/* CodeMirror 6, MIT, https://codemirror.net/ */",
]


def editor_bundle_text() -> str:
    """Return the bundle of main.js and all that it imports.

    Raises CalledProcessError, after esbuild has said why, for a module that does not parse.
    """
    done = subprocess.run(  # noqa: S603 - the command is ours, no shell
        [ESBUILD, "main.js", *OPTIONS],
        cwd=EDITOR,
        env={**os.environ, "NODE_PATH": str(PACKAGES)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    BUNDLE.write_text(editor_bundle_text())
    sys.stdout.write(f"{BUNDLE.name}: {BUNDLE.stat().st_size} bytes\n")
