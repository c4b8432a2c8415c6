"""Have esbuild join the widget's modules into the one small file that a page loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WIDGET = Path(__file__).parent.parent / "static" / "conversations" / "widget"
BUNDLE = WIDGET / "bundle.js"
# Put there by make setup's step for tests: running Baton needs no Node.
ESBUILD = str(Path(sys.prefix) / "node" / "node_modules" / ".bin" / "esbuild")
OPTIONS = [
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--legal-comments=none",
    "--log-level=warning",
    # Fetched when they are needed: a language, and the sending of files.
    "--external:./words/*",
    "--external:./files.js",
]


def bundle_text(*more_options: str) -> str:
    """Return the bundle of main.js and all that it imports.

    Raises CalledProcessError, after esbuild has said why, for a module that does not parse.
    """
    command = [ESBUILD, "main.js", *OPTIONS, *more_options]
    done = subprocess.run(command, cwd=WIDGET, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - the command is ours, no shell
    return done.stdout


if __name__ == "__main__":
    BUNDLE.write_text(bundle_text())
    sys.stdout.write(f"{BUNDLE.name}: {BUNDLE.stat().st_size} bytes\n")
