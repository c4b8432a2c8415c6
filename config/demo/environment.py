"""The demo's secrets: made at the first run, kept in var/demo.env, used where none are given."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import environ
from cryptography.fernet import Fernet

from config.demo.processes import BASE_DIR
from config.setting_values import SettingValues

FILE_NAME = "demo.env"


def demo_environment_load() -> None:
    """Put what the demo needs into the environment; what is set there already stays."""
    SettingValues().file_read(BASE_DIR / ".env")
    var_dir = demo_var_dir()
    var_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = var_dir / FILE_NAME
    if not path.exists():
        write_private(path, "".join(f"{name}={value}\n" for name, value in _fresh().items()))
    environ.Env.read_env(path)


def demo_var_dir() -> Path:
    """Return the directory for everything that Baton writes."""
    return Path(os.environ.get("BATON_VAR_DIR") or BASE_DIR / "var")


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def _fresh() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "BATON_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "BATON_DEMO_PASSWORD": secrets.token_urlsafe(12),
        # Simulators listen on loopback, without TLS.
        "ALLOW_LOCAL_VENDORS": "true",
    }
