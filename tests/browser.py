"""Find a Chromium for the browser tests; as a program, install one where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

# The same browser without windows, tabs and an address bar: half the work.
SHELL = "chromium-headless-shell"
PROGRAMS = (
    SHELL,
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# What playwright leaves out itself, for this list takes the place of its own.
LEFT_OUT_BY_PLAYWRIGHT = (
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding"),
    *("ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
)
# Two more processes for each window, which nobody sees: a page for the address bar's proposals,
# and one that waits for the next address. They took a third of the browser's time.
WINDOW_EXTRAS = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
    *("PreloadTopChromeWebUI", "SpareRendererForSitePerProcess"),
)
ARGUMENTS = [
    f"--disable-features={','.join((*LEFT_OUT_BY_PLAYWRIGHT, *WINDOW_EXTRAS))}",
    "--no-sandbox",  # tests may run as root, where Chromium refuses its sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
APT = ["apt-get", "-qq", "--yes", "--no-install-recommends"]


@cache
def find_browser() -> str | None:
    """Return a Chromium or Chrome that starts, or None."""
    return next((path for path in _candidates() if path and _starts(path)), None)


def _candidates() -> Iterator[str | None]:
    yield from map(shutil.which, PROGRAMS)
    yield _playwright_path()  # asked last: it starts all of playwright to know


def install_browser() -> None:
    """Install a Chromium: the system's package as root, else playwright's own."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _apt("update")
        package = SHELL if _is_offered(SHELL) else "chromium"
        print(f"browser: installing the system's {package} package", flush=True)
        _apt("install", package)
    find_browser.cache_clear()
    if not find_browser():
        print("browser: downloading playwright's chromium", flush=True)
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])


def _is_offered(package: str) -> bool:
    """Tell whether the system has such a package to install."""
    answer = subprocess.run(["apt-cache", "show", package], capture_output=True, text=True)
    return answer.returncode == 0 and "\nFilename:" in answer.stdout


def _apt(*arguments: str) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(
        [*APT, *arguments], env=quiet, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )


def _starts(path: str) -> bool:
    try:
        # Ubuntu's package is a stub that only says how to get the real one.
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwright_path() -> str:
    script = (
        "from playwright.sync_api import sync_playwright as start\n"
        "with start() as playwright: print(playwright.chromium.executable_path)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return answer.stdout.strip()


def main() -> None:
    """Make sure that there is a browser, or say what to do."""
    if not find_browser():
        install_browser()
        find_browser.cache_clear()
    found = find_browser()
    if not found:
        sys.exit(
            "browser: no Chromium was found and none could be installed. Install Chromium or "
            "Chrome so that it is on PATH (Debian: sudo apt install chromium), then try again."
        )
    print(f"browser: {found}")


if __name__ == "__main__":
    main()
