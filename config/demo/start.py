"""Start all of Baton on this machine: stores, simulators, data to try, and the portal."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.demo.embedded import (
    LOOPBACK,
    RedisServer,
    free_port,
    is_free,
    postgres_check,
    redis_check,
)
from config.demo.environment import demo_var_dir, write_private
from config.demo.processes import BASE_DIR, wait_until
from config.demo.product import Product
from config.demo.supervisor import Supervisor, answers_http
from config.demo.vendors import demo_carriers, demo_vendors

FILE_NAME = "demo.json"
READY_SECONDS = 60.0


class DemoError(RuntimeError):
    """The demo cannot start; the text names the cure."""


def demo_run(*, port: int, write: Callable[[str], None]) -> None:
    """Start everything, tell where to look, and keep it running until told to stop.

    Raises DemoError, StoreError or ProcessError when something does not start.
    """
    os.umask(0o077)  # conversations and secrets are nobody else's business on this machine
    var_dir = demo_var_dir()
    require_free(port)
    with only_one(var_dir):
        product = demo_product(port=port, var_dir=var_dir)
        supervisor = Supervisor(
            product.processes(),
            log_dir=var_dir / "log",
            write=write,
            on_change=lambda pids: demo_file_set(var_dir, processes=product.pids_by_part(pids)),
        )
        with supervisor:
            _start(supervisor, product)
            demo_file_set(var_dir, processes=product.pids_by_part(supervisor.pids))
            write(welcome(demo_file_read(var_dir), log_dir=var_dir / "log"))
            supervisor.run()
        demo_file_set(var_dir, processes={})
        write("Baton has stopped.")


def demo_product(*, port: int, var_dir: Path) -> Product:
    """Choose ports and stores: those that the environment gives, else embedded ones."""
    if (database_url := os.environ.get("DATABASE_URL", "")).startswith("postgres"):
        postgres_check(database_url)
    redis_url, redis = os.environ.get("REDIS_URL", ""), None
    if redis_url:
        redis_check(redis_url)
    else:
        redis = RedisServer(var_dir / "redis")
        redis_url = redis.url
    public_url = os.environ.get("PUBLIC_URL") or f"http://{LOOPBACK}:{port}"
    return Product(
        port=port,
        simulator_ports=dict(
            zip([*demo_vendors(), *demo_carriers()], simulator_ports(port), strict=False)
        ),
        redis_url=redis_url,
        redis=redis,
        var_dir=var_dir,
        environment={
            "REDIS_URL": redis_url,
            "PUBLIC_URL": public_url,
            "PYTHONUNBUFFERED": "1",
            # In a container there may be nobody else; a demo is for nobody else either.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
            # Whoever tries it out writes faster than an end user on a phone.
            "SMS_TEXTS_PER_MINUTE": os.environ.get("SMS_TEXTS_PER_MINUTE", "100"),
        },
    )


def seed(product: Product) -> None:
    """Bring the database up to date and put the demo's data into it, in a process of its own."""
    command = [
        *(sys.executable, "manage.py", "demo", "--seed-only"),
        *("--port", str(product.port), "--simulators", json.dumps(product.simulator_urls)),
    ]
    environment = {**os.environ, **product.environment}
    done = subprocess.run(  # noqa: S603 - the command is ours, no shell
        command, cwd=BASE_DIR, env=environment, check=False
    )
    if done.returncode:
        raise DemoError("The demo's data could not be made; the message is above.")


def wait_for_portal(product: Product) -> None:
    """Return when the portal says that database, Redis and a relay worker are there."""
    if not wait_until(answers_http(f"{product.url}/readyz"), seconds=READY_SECONDS):
        raise DemoError(f"The portal is not ready; {product.url}/readyz says what is missing.")


def simulator_ports(port: int) -> Iterator[int]:
    """Give one port after the other: the next ones, where they are free."""
    for wanted in itertools.count(port + 1):
        yield wanted if is_free(wanted) else free_port()


def require_free(port: int) -> None:
    """Raise DemoError when the port is in use."""
    if not is_free(port):
        raise DemoError(
            f"Port {port} is in use by another program. Stop it, or choose another port: "
            f"make demo PORT={free_port()}"
        )


@contextmanager
def only_one(var_dir: Path) -> Iterator[None]:
    """Raise DemoError when a demo runs from this directory already; two would share its data."""
    with (var_dir / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DemoError(
                f"A demo runs already with the data in {var_dir}. Stop it, or give this one a "
                "place of its own: BATON_VAR_DIR=/tmp/second make demo PORT=8002"
            ) from error
        yield


def demo_file_read(var_dir: Path) -> dict[str, Any]:
    """Return what var/demo.json says; empty before the first run."""
    path = var_dir / FILE_NAME
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content


def demo_file_set(var_dir: Path, **values: Any) -> None:
    """Change top-level entries of var/demo.json."""
    content = {**demo_file_read(var_dir), **values}
    write_private(var_dir / FILE_NAME, json.dumps(content, indent=2) + "\n")


def welcome(demo: dict[str, Any], *, log_dir: Path) -> str:
    """Tell a newcomer where to look and what to do there."""
    admin, simulators = demo["admin"], demo["simulators"]
    plain = next(iter(simulators.values()))
    desks = "\n".join(
        f"       {vendor.title:<20} {simulators[key]['desk_url']}"
        for key, vendor in demo_vendors().items()
        if key in simulators
    )
    phones = "\n".join(
        f"                            or by text to {one['number']}: {one['phone_url']}"
        for one in (simulators.get(carrier.name) for carrier in demo_carriers().values())
        if one
    )
    return f"""
Baton is ready.

  1. Chat as an end user    {demo["widget_page"]}
                            and write: {plain["phrase"]}
                            (the page suggests a sentence for each vendor)
{phones}
  2. Answer as live agent
{desks}
  3. Set things up          {admin["url"]}
                            user {admin["username"]}, password {admin["password"]}

Logs are in {log_dir}. Ctrl-C stops everything.
"""


def _start(supervisor: Supervisor, product: Product) -> None:
    stores = product.store_names()
    supervisor.start(*stores)
    supervisor.wait_ready(*stores, seconds=READY_SECONDS)
    seed(product)
    supervisor.start()
    others = [process.name for process in product.processes() if process.name not in stores]
    supervisor.wait_ready(*others, seconds=READY_SECONDS)
    wait_for_portal(product)
