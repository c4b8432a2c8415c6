"""Who may import whom, by package: one rule a line, each with an offence that it must find."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.architecture.sources import Import, Sources, imports

FRAMEWORKS = ("django", "celery", "channels", "rest_framework")
HTTP_LIBRARIES = ("aiohttp", "requests", "httpx", "urllib.request", "urllib3", "http.client")
APPS = ("config", "handoffs", "conversations", "integrations")
VENDOR = r"integrations/vendors/(?P<key>[a-z0-9_]+)/"
SIMULATOR = VENDOR + r"simulator(\.py|/)"
MAPPING = VENDOR + r"mapping(\.py|/)"
# The few who load a simulator on purpose.
PRETENDERS = r"integrations/(simulators/|management/commands/run_simulator\.py)|config/demo/"
PRETENDERS += r"|config/management/commands/demo\.py"
EDGE = r"(^|\.)(\w+_)?(views|consumer|tasks|admin)$|\.views\.|\.management\."
EDGE += r"|^(handoffs|conversations)\.api\.|^handoffs\.receiving\.webhooks$"
MAY_IMPORT_EDGES = r".*/(\w+_)?(urls|views|consumers?|tasks|admin)\.py"
MAY_IMPORT_EDGES += r"|.*/(api|views|urls|management)/.*"
MAY_IMPORT_EDGES += r"|config/(asgi|celery|urls|health|metrics)\.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Files whose path matches `where`, but not `but`, must not import what `is_bad` names.

    `is_bad` gets the imported name and the vendor's key, if there is one. `plants` are offences
    that nobody has committed: path and text of a file that the rule must complain about.
    """

    name: str
    where: str
    is_bad: Callable[[str, str], bool]
    plants: tuple[tuple[str, str], ...]
    but: str = r"(?!)"
    counts_typing: bool = True

    def offences(self, sources: Sources) -> list[str]:
        """Return a line for each offence."""
        return [
            f"{path}:{found.line} imports {found.name}"
            for path, text in sources.items()
            if (match := re.match(self.where, path)) and not re.match(self.but, path)
            for found in self._bad(path, text, match.groupdict().get("key") or "")
        ]

    def _bad(self, path: str, text: str, key: str) -> Iterator[Import]:
        for found in imports(path, text):
            if found.is_typing and not self.counts_typing:
                continue
            if self.is_bad(found.name, key):
                yield found


def _any(*prefixes: str) -> Callable[[str, str], bool]:
    return lambda name, key: _is_below(name, prefixes)


def _is_below(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == p or name.startswith(f"{p}.") for p in prefixes)


def _but_carriers(is_bad: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    """Let pass what opens a carrier: it is a channel, and no live agent is behind it."""
    return lambda name, key: (
        is_bad(name, key) and not _is_below(name, ("integrations.connections.carriers",))
    )


def _ours_but(*allowed: str) -> Callable[[str, str], bool]:
    """Forbid everything of ours except these packages; {key} stands for the vendor's own."""

    def is_bad(name: str, key: str) -> bool:
        own = tuple(prefix.format(key=key) for prefix in allowed)
        return _is_below(name, (*APPS, "tests")) and not _is_below(name, own)

    return is_bad


def _impure(*allowed: str) -> Callable[[str, str], bool]:
    """Forbid everything but the standard library and these packages."""
    foreign = _ours_but(*allowed)

    def is_bad(name: str, key: str) -> bool:
        top = name.split(".")[0]
        if top in (*APPS, "tests"):
            return foreign(name, key)
        return top not in sys.stdlib_module_names or _is_below(name, HTTP_LIBRARIES)

    return is_bad


def _is_simulator(name: str, key: str) -> bool:
    if _is_below(name, ("integrations.simulators",)):
        return True
    return re.match(r"integrations\.vendors\.\w+\.simulator(\.|$)", name) is not None


def _is_edge(name: str, key: str) -> bool:
    parts = name.split(".")
    if parts[0] not in APPS or "vendors" in parts:
        return False
    # The name may be a module, or something in one.
    candidates = (name, name.rpartition(".")[0])
    return any(re.search(EDGE, candidate) for candidate in candidates)


def _vendor(name: str) -> str:
    return f"integrations/vendors/acme/{name}"


RULES = (
    Rule(
        name="integrations knows no app above it",
        where=r"integrations/",
        is_bad=_any("config", "handoffs", "conversations"),
        plants=(
            ("integrations/connect/novel.py", "from handoffs.models import Handoff"),
            ("integrations/connect/novel.py", "import conversations.journal.services as journal"),
            ("integrations/connect/novel.py", "from ...handoffs import models"),
            ("integrations/connect/novel.py", "import_module('handoffs.models')"),
        ),
    ),
    Rule(
        name="conversations knows neither handoffs nor a connector",
        where=r"conversations/",
        is_bad=_but_carriers(
            _any(
                "config",
                "handoffs",
                *(f"integrations.{room}" for room in ("vendors", "simulators", "connect")),
                # http and kit are no connector's own: an outside AI agent is called the same way.
                "integrations.connections",
                *("integrations.contract.connector", "integrations.contract.registry"),
            )
        ),
        plants=(
            ("conversations/journal/novel.py", "import handoffs.states"),
            ("conversations/novel/deep/novel.py", "from integrations.contract import registry"),
            ("conversations/api/novel.py", "from integrations.vendors.zendesk import client"),
            ("conversations/sms/novel.py", "from integrations.connections import building"),
        ),
    ),
    Rule(
        name="handoffs knows neither config nor a vendor",
        where=r"handoffs/",
        is_bad=_any("config", "integrations.vendors", "integrations.simulators"),
        plants=(
            ("handoffs/relay/novel.py", "import config.settings"),
            ("handoffs/relay/novel.py", "from integrations.vendors.genesys import client"),
        ),
    ),
    Rule(
        name="a vendor knows the contract, the kit, the way out, and itself",
        where=VENDOR,
        is_bad=_ours_but(
            *(f"integrations.{room}" for room in ("contract", "kit", "http")),
            "integrations.vendors.{key}",
        ),
        but=SIMULATOR,
        plants=(
            (_vendor("novel.py"), "from integrations.models import Integration"),
            (_vendor("client/novel.py"), "import integrations.vendors.zendesk.mapping"),
            (_vendor("connector/novel.py"), "from ...zendesk import mapping"),
            (_vendor("connector.py"), "from integrations.telemetry import metrics"),
        ),
    ),
    Rule(
        name="a vendor knows no framework, and no way to the net of its own",
        where=VENDOR,
        is_bad=_any(*FRAMEWORKS, *HTTP_LIBRARIES, "websockets", "socket", "starlette"),
        but=SIMULATOR,
        plants=(
            (_vendor("mapping/novel.py"), "import aiohttp\n\nwait(aiohttp.request('GET', '/'))"),
            (_vendor("connector/novel.py"), "from django.conf import settings"),
            (_vendor("client.py"), "from urllib.request import urlopen"),
        ),
    ),
    Rule(
        name="the contract is pure",  # the registry finds vendors by name, and imports none
        where=r"integrations/contract/",
        is_bad=_impure("integrations.contract", "integrations.kit"),
        # A connector is handed the client; the contract only names its type.
        counts_typing=False,
        plants=(
            ("integrations/contract/novel.py", "from integrations.http.client import HttpClient"),
            ("integrations/contract/novel.py", "import django"),
        ),
    ),
    Rule(
        name="the payload and the states are pure",
        where=r"handoffs/(states|errors)\.py|handoffs/payload/",
        is_bad=_impure(
            *("integrations.contract", "integrations.kit"),
            *("handoffs.payload", "handoffs.errors", "handoffs.states"),
        ),
        plants=(
            ("handoffs/payload/novel.py", "from handoffs.models import Handoff"),
            ("handoffs/payload/novel.py", "from .. import models"),
            ("handoffs/states.py", "import django.db"),
        ),
    ),
    Rule(
        name="a mapping is pure",
        where=MAPPING,
        is_bad=_impure(
            *("integrations.contract", "integrations.kit"), "integrations.vendors.{key}.mapping"
        ),
        plants=(
            (_vendor("mapping/novel.py"), "from integrations.vendors.acme.client import budget"),
            (_vendor("mapping/novel.py"), "from ..client import budget"),
            (_vendor("mapping.py"), "import jwt"),
            (_vendor("mapping/novel.py"), "from integrations.http import errors"),
            (_vendor("mapping/novel.py"), "import urllib.request"),
        ),
    ),
    Rule(
        name="what connectors share knows no framework and no app",
        where=r"integrations/(kit|http)/",
        is_bad=lambda name, key: (
            _is_below(name, FRAMEWORKS)
            or _ours_but(
                *(f"integrations.{room}" for room in ("contract", "kit", "http", "telemetry"))
            )(name, key)
        ),
        plants=(
            ("integrations/kit/novel.py", "from django.utils import timezone"),
            ("integrations/http/novel.py", "from integrations.models import VendorCall"),
        ),
    ),
    Rule(
        name="the kit has no way to the net",
        where=r"integrations/kit/",
        is_bad=_any(*HTTP_LIBRARIES, "integrations.http"),
        plants=(("integrations/kit/novel.py", "from ..http import client"),),
    ),
    Rule(
        name="a simulator is written apart from its connector",
        where=SIMULATOR,
        is_bad=_ours_but(
            *("integrations.contract.errors", "integrations.http", "integrations.simulators"),
            *("integrations.vendors.{key}.simulator",),
        ),
        plants=(
            (_vendor("simulator/novel.py"), "from integrations.vendors.acme.mapping import text"),
            (_vendor("simulator/novel.py"), "from ..mapping.text import cut"),
            (_vendor("simulator/deep/novel.py"), "import integrations.vendors.acme.client.api"),
            (_vendor("simulator.py"), "from integrations.kit import cutting"),
            (_vendor("simulator/novel.py"), "from integrations.vendors.acme import connector"),
        ),
    ),
    Rule(
        name="what simulators share is written apart from connectors too",
        where=r"integrations/simulators/",
        is_bad=_ours_but(
            *("integrations.contract.errors", "integrations.http", "integrations.simulators"),
        ),
        plants=(
            ("integrations/simulators/novel.py", "from integrations.kit import signatures"),
            ("integrations/simulators/novel.py", "from integrations.vendors.acme import mapping"),
            ("integrations/simulators/novel.py", "from ..models import Integration"),
        ),
    ),
    Rule(
        name="nobody names a vendor's folder: the registry finds it",
        where=r"(?!integrations/vendors/)",
        is_bad=_any("integrations.vendors"),
        plants=(
            ("integrations/connect/novel.py", "from integrations.vendors.acme import client"),
            ("integrations/connections/novel.py", "from ..vendors.acme.mapping import text"),
            ("config/novel.py", "import_module('integrations.vendors.acme.connector')"),
        ),
    ),
    Rule(
        name="nobody loads a simulator but those who pretend",
        where=r"",
        is_bad=_is_simulator,
        but=f"{PRETENDERS}|{SIMULATOR}",
        plants=(
            ("integrations/connect/novel.py", "import integrations.simulators.desk"),
            (_vendor("connector.py"), "from integrations.vendors.acme.simulator import world"),
            (_vendor("connector.py"), "from . import simulator"),
            ("config/novel.py", "from integrations.vendors.zendesk.simulator.records import State"),
        ),
    ),
    Rule(
        name="one room has the way to the net",
        where=r"",
        is_bad=_any(*HTTP_LIBRARIES),
        # The supervisor and the demo ask their own processes whether they are up.
        but=r"integrations/http/|config/",
        plants=(
            ("handoffs/relay/novel.py", "from aiohttp import ClientSession"),
            ("integrations/connections/novel.py", "import httpx"),
        ),
    ),
    Rule(
        name="nobody imports an edge but edges",
        where=r"",
        is_bad=_is_edge,
        but=MAY_IMPORT_EDGES,
        plants=(
            ("handoffs/lifecycle/novel.py", "from handoffs.tasks import open_handoff"),
            ("integrations/connect/novel.py", "from integrations.connect.views import flow"),
            ("conversations/journal/novel.py", "from ..socket.consumer import WidgetConsumer"),
        ),
    ),
    Rule(
        name="nobody imports the tests",
        where=r"",
        is_bad=_any("tests"),
        plants=(("config/novel.py", "from tests import factories"),),
    ),
)
