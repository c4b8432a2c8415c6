"""Serve a pretend vendor and its desk; for demos and tests, never beside real customers."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.simulator import Simulator, serve

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
        parser.add_argument("key", help="the vendor's key, for instance salesforce_messaging")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8790, help="0 takes a free port")
        parser.add_argument("--org-id")
        parser.add_argument("--es-developer-name")
        parser.add_argument("--path-prefix", help="serve the vendor's paths below this path")
        parser.add_argument("--state-file", help="keep conversations and tokens over a restart")
        parser.add_argument("--token-ttl", type=float, help="seconds a token is good for")
        parser.add_argument("--ping-interval", type=float, help="seconds between keep-alives")
        parser.add_argument("--tls-cert", help="serve TLS with this certificate (PEM)")
        parser.add_argument("--tls-key", help="the certificate's private key (PEM)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until interrupted."""
        simulator = _simulator(options["key"], _arguments(options))
        tls = {"ssl_certfile": options["tls_cert"], "ssl_keyfile": options["tls_key"]}
        try:
            asyncio.run(
                serve(
                    simulator,
                    options["host"],
                    options["port"],
                    on_ready=lambda url: self._announce(simulator, url),
                    **{name: value for name, value in tls.items() if value},
                )
            )
        except KeyboardInterrupt:
            return
        except OSError as error:
            where = f"{options['host']}:{options['port']}"
            raise CommandError(f"Cannot listen on {where}: {error.strerror}.") from error

    def _announce(self, simulator: Simulator, url: str) -> None:
        self.stdout.write(f"{simulator.words.title} is ready at {url} (desk: {url}/_desk/)")
        self.stdout.flush()


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
        if found.__module__ == name and issubclass(found, Simulator):
            return found
    raise CommandError(f"The module {name} has no simulator class.")
