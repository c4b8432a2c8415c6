"""Settings as people write them: each mistake is told by variable and cure, nothing secret is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.setting_values import SettingValues
from tests.config.test_settings_documented import ROOT, declared, in_example

SECRET = "hunter2"


def read(
    name: str, value: str, kind: str = "str", default: Any = "default"
) -> tuple[Any, list[Any]]:
    values = SettingValues()
    values.ENVIRON = {name: value}
    found = getattr(values, kind)(name, default=default)
    return found, values.problems


@pytest.mark.parametrize(
    ("name", "kind", "value", "cure"),
    [
        ("PUBLIC_URL", "str", '"https://chat.example.com"', "Take the quotes away"),
        (
            "PUBLIC_URL",
            "str",
            "https://chat.example.com/portal",
            "PUBLIC_URL=https://chat.example.com.",
        ),
        ("PUBLIC_URL", "str", "chat.example.com", "PUBLIC_URL=https://chat.example.com"),
        ("PUBLIC_URL", "str", "https://chat.example.com:port", "scheme and host"),
        ("ALLOWED_HOSTS", "list", "https://chat.example.com/", "Write chat.example.com for it."),
        ("ALLOWED_HOSTS", "list", "a.example, b.example:8000", "Write b.example for it."),
        ("ALLOWED_HOSTS", "list", "*.example.com", "Write .example.com for it."),
        ("ALLOWED_HOSTS", "list", "a.example b.example", "with commas between"),
        ("DATABASE_URL", "db_url", f"postgres://u:{SECRET}#1@db/name", "# is %23"),
        ("DATABASE_URL", "db_url", f"postgres://u:{SECRET}/1@db/name", "/ is %2F"),
        ("DATABASE_URL", "db_url", f"postgres://u:{SECRET}@1@db/name", "@ is %40"),
        ("DATABASE_URL", "db_url", f"postgres://u:[{SECRET}@db/name", "# is %23"),
        ("DATABASE_URL", "db_url", "db.example.com", "postgres://user:password@host:5432/name"),
        ("REDIS_URL", "str", f"redis://:{SECRET}#@redis:6379/0", "# is %23"),
        ("REDIS_URL", "str", "redis:6379", "REDIS_URL=redis://127.0.0.1:6379/0"),
        ("EMAIL_URL", "email_url", f"smtp+tls://u:{SECRET}#@mail:587", "# is %23"),
        ("SESSION_IDLE_SECONDS", "int", "10m", "Write SESSION_IDLE_SECONDS=600."),
        ("SESSION_IDLE_SECONDS", "int", "2 hours", "Write SESSION_IDLE_SECONDS=7200."),
        ("RELAY_HEARTBEAT_SECONDS", "float", "1,5", "Write RELAY_HEARTBEAT_SECONDS=1.5."),
        ("REQUEST_MAX_BYTES", "int", "2,097,152", "Write REQUEST_MAX_BYTES=2097152."),
        ("JOURNAL_RECHECK_SECONDS", "float", "0", "Write JOURNAL_RECHECK_SECONDS=1.0, or a large"),
        ("HANDOFF_ACTIVE_SILENCE_SECONDS", "int", "0", "or a large number"),
        ("DATABASE_POOL_SIZE", "int", "0", "Write DATABASE_POOL_SIZE=7"),
        ("ATTACHMENT_KEEP_DAYS", "int", "999999", "Write ATTACHMENT_KEEP_DAYS=36500 or less."),
        ("METRICS_PORT", "int", "91000", "Write METRICS_PORT=65535 or less."),
        ("EMAIL_FROM", "str", f"{SECRET}@example.com # ours", "on a line of its own"),
        ("SESSION_IDLE_SECONDS", "int", "600\t# ten minutes", "on a line of its own"),
        ("SECRET_KEY", "str", f"{SECRET}\nDEBUG=true", "on one line"),
        ("REDIS_URL", "str", "", "Take REDIS_URL= away"),
        ("DATABASE_URL", "db_url", "", "Take DATABASE_URL= away"),
        ("EMAIL_URL", "email_url", "", "Take EMAIL_URL= away"),
        ("SOCKET_SEND_SECONDS", "float", "10m", "Write SOCKET_SEND_SECONDS=600."),
        ("REQUEST_MAX_BYTES", "int", "5MB", "Write REQUEST_MAX_BYTES=5242880."),
        ("REQUEST_MAX_BYTES", "int", "1_000", "Write REQUEST_MAX_BYTES=1000."),
        ("SESSIONS_PER_MINUTE", "int", "60/min", "Write SESSIONS_PER_MINUTE=60."),
        ("HSTS_SECONDS", "int", "-1", "Write HSTS_SECONDS=7."),
        ("ATTACHMENT_KEEP_DAYS", "int", "", "Take ATTACHMENT_KEEP_DAYS= away"),
        ("DEBUG", "bool", "ture", "Write DEBUG=true or DEBUG=false."),
        ("LOG_LEVEL", "str", "info", "Write LOG_LEVEL=INFO."),
        ("METRICS_TOKEN", "str", "$TOKEN", "variables are not put in"),
        ("FILE_SCANNER", "str", "127.0.0.1:3310", "tcp://127.0.0.1:3310"),
        ("ADMIN_PATH", "str", "https://chat.example.com/admin", "ADMIN_PATH=admin"),
        ("FILES_DIR", "str", "~/files", "Write the whole path."),
    ],
)
def test_a_value_that_cannot_be_meant_so_is_told_with_its_cure(name, kind, value, cure):
    default = {"int": 7, "float": 1.0, "bool": False, "list": []}.get(kind, "default")
    if kind.endswith("_url"):
        default = "sqlite:///x" if name == "DATABASE_URL" else "dummymail://"

    _, [problem] = read(name, value, kind, default)

    assert problem.name == name
    assert problem.text.startswith(f"{name} ")
    assert cure in problem.cure
    assert problem.cure.endswith(".")
    assert SECRET not in problem.text + problem.cure


@pytest.mark.parametrize(
    ("name", "kind", "value", "found"),
    [
        ("PUBLIC_URL", "str", " https://chat.example.com/ ", "https://chat.example.com/"),
        ("ALLOWED_HOSTS", "list", "a.example, .b.example,[::1],10.0.0.7,*", None),
        ("SESSION_IDLE_SECONDS", "int", "600", 600),
        ("SOCKET_SEND_SECONDS", "float", "1.5", 1.5),
        ("DEBUG", "bool", "On", True),
        ("REDIS_URL", "str", "rediss://:p%23w@redis.example:6380/1", None),
        ("REDIS_URL", "str", "unix:///run/redis.sock?db=1", None),
        ("FILE_SCANNER", "str", "unix:/run/clamav/clamd.ctl", None),
        ("ADMIN_PATH", "str", "", ""),
        ("SECRET_KEY", "str", "a#b", "a#b"),
        ("SOCKET_FRAMES_PER_SECOND", "float", "0", 0.0),
        ("VENDOR_CALL_KEEP_DAYS", "int", "0", 0),
    ],
)
def test_a_good_value_is_taken_and_nothing_is_said(name, kind, value, found):
    read_as, problems = read(name, value, kind)

    assert problems == []
    assert found is None or read_as == found


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:p%23w@db.example:5432/name?sslmode=require",
        "postgresql://db/name",
        "postgres://u:p@one:5432,two:5432/name",
        "sqlite:////srv/baton/a@b.sqlite3",
    ],
)
def test_databases_are_taken_in_all_their_forms(url):
    _, problems = read("DATABASE_URL", url, "db_url", "sqlite:///x")

    assert problems == []


@pytest.mark.parametrize("name", sorted(declared()))
def test_quotes_are_told_of_every_setting_and_its_example_is_good(name):
    example = re.sub(r"<.*>", "a.example", in_example()[name])
    default = {"DATABASE_URL": "sqlite:///x", "EMAIL_URL": "dummymail://"}.get(name, "")
    kind = _kind_of(name)

    _, [quoted] = read(name, f'"{example or "x"}"', kind, default)
    _, plain = read(name, example, kind, default)

    assert "quotes" in quoted.text
    assert plain == []


def test_a_file_is_read_as_people_write_one_and_a_line_that_sets_nothing_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    file = tmp_path / ".env"
    file.write_text(
        f"\ufeffPUBLIC_URL = https://chat.example.com\r\n  export DEBUG=true\n\n"
        f"  # a remark\nSECRET_KEY: {SECRET}\nMETRICS_TOKEN='{SECRET}'\nLOG_LEVEL=DEBUG\n"
    )
    values = SettingValues()
    values.__class__ = type("_Apart", (SettingValues,), {"ENVIRON": {"LOG_LEVEL": "ERROR"}})

    values.file_read(file)
    values.file_read(tmp_path / "not there")

    assert values.ENVIRON == {
        "PUBLIC_URL": "https://chat.example.com",
        "DEBUG": "true",
        "METRICS_TOKEN": SECRET,
        "LOG_LEVEL": "ERROR",
    }
    assert [problem.text for problem in values.problems] == ["Line 5 of .env sets nothing."]
    assert SECRET not in caplog.text + str(values.problems)


def _kind_of(name: str) -> str:
    source = (ROOT / "config" / "settings.py").read_text()
    [kind] = re.findall(rf'env\.(\w+)\(\s*"{name}"', source)
    return str(kind)


def test_a_server_does_not_start_and_says_what_to_write(tmp_path: Path):
    environment = {
        **os.environ,
        "SECRET_KEY": "x" * 50,
        "BATON_VAR_DIR": str(tmp_path),
        "SESSION_IDLE_SECONDS": "10m",
        "DATABASE_URL": f"postgres://u:{SECRET}#1@db/name",
    }
    start = "import django; django.setup(); import config.asgi"

    done = subprocess.run(
        [sys.executable, "-c", start],
        cwd=ROOT,
        env=environment | {"DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "false"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode
    assert "DATABASE_URL has a character" in done.stderr
    assert SECRET not in done.stderr
