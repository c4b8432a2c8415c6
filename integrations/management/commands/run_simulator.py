"""Serve pretend vendors and their desks; for demos and tests, never beside real customers."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.simulators.simulator import Simulator, serve

# Command option -> constructor argument; an option a vendor's simulator lacks is refused.
OPTIONS = ("org_id", "es_developer_name", "path_prefix", "state_file")
NUMBERS = {
    "token_ttl": "token_ttl_seconds",
    "ping_interval": "ping_interval_seconds",
}


class Command(BaseCommand):
    """Needs neither database nor Redis."""

    help = "Serve a vendor's simulator, with a desk page on which you play the live agent."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the vendor key and where and how to serve."""
        parser.add_argument(
            "keys",
            nargs="+",
            metavar="key[:port]",
            help="a vendor's key, for instance salesforce_messaging; several are served together",
        )
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8790, help="0 takes a free port")
        parser.add_argument("--org-id")
        parser.add_argument("--es-developer-name")
        parser.add_argument("--path-prefix", help="serve the vendor's paths below this path")
        parser.add_argument("--state-file", help="keep conversations and tokens over a restart")
        parser.add_argument("--state-directory", help="the same, in a file for each vendor")
        parser.add_argument("--token-ttl", type=float, help="seconds a token is good for")
        parser.add_argument("--ping-interval", type=float, help="seconds between keep-alives")
        parser.add_argument("--tls-cert", help="serve TLS with this certificate (PEM)")
        parser.add_argument("--tls-key", help="the certificate's private key (PEM)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until interrupted."""
        tls = {"ssl_certfile": options["tls_cert"], "ssl_keyfile": options["tls_key"]}
        given = {name: value for name, value in tls.items() if value}
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(self._serve(_simulators(options), options["host"], given))

    async def _serve(
        self, simulators: list[tuple[Simulator, int]], host: str, tls: dict[str, Any]
    ) -> None:
        await asyncio.gather(
            *(self._serve_one(simulator, host, port, tls) for simulator, port in simulators)
        )

    async def _serve_one(
        self, simulator: Simulator, host: str, port: int, tls: dict[str, Any]
    ) -> None:
        announce = partial(self._announce, simulator)
        try:
            await serve(simulator, host, port, on_ready=announce, **tls)
        except OSError as error:
            raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error

    def _announce(self, simulator: Simulator, url: str) -> None:
        self.stdout.write(f"{simulator.words.title} is ready at {url} (desk: {url}/_desk/)")
        self.stdout.flush()


def _simulators(options: dict[str, Any]) -> list[tuple[Simulator, int]]:
    arguments, directory = _arguments(options), options["state_directory"]
    made = []
    for argument in options["keys"]:
        key, _, port = argument.partition(":")
        if port and not port.isdecimal():
            raise CommandError(f"{port} is not a port.")
        kept = {"state_file": Path(directory) / f"simulator_{key}.json"} if directory else {}
        made.append((_simulator(key, {**kept, **arguments}), int(port or options["port"])))
    return made


def _arguments(options: dict[str, Any]) -> dict[str, Any]:
    named = {name: options[name] for name in OPTIONS}
    numbers = {target: options[name] for name, target in NUMBERS.items()}
    return {name: value for name, value in {**named, **numbers}.items() if value is not None}


def _simulator(key: str, arguments: dict[str, Any]) -> Simulator:
    simulator_class = _simulator_class(key)
    try:
        return simulator_class(**arguments)
    except TypeError as error:
        raise CommandError(f"The simulator of {key} does not take these options.") from error


def _simulator_class(key: str) -> type[Simulator]:
    name = f"integrations.vendors.{key}.simulator"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        raise CommandError(f"There is no simulator for a vendor named {key!r}.") from error
    for _name, found in inspect.getmembers(module, inspect.isclass):
        if f"{found.__module__}.".startswith(f"{name}.") and issubclass(found, Simulator):
            return found
    raise CommandError(f"The module {name} has no simulator class.")
