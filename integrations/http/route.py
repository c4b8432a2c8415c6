"""Which way a request leaves: straight to the vendor, or through the company's proxy."""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp

from integrations.contract.errors import CannotConnectError
from integrations.http.url_guard import HTTPS_PORT, is_local_host, may_connect
from integrations.kit.recent import Recent

NAME_SECONDS = 60
_NAMES_KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How vendors are reached; empty means straight, trusting what the system trusts.

    `proxy` is http://host:port or https://host:port, with user and password where it wants them.
    `no_proxy` lists hosts with commas, as the variable of that name does: a name means its
    subdomains too. `ca_bundle` is a file of PEM certificates, trusted beside the system's.
    """

    proxy: str = field(default="", repr=False)
    no_proxy: str = ""
    ca_bundle: str = ""

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy for an address; this machine and what `no_proxy` lists have none."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not self.proxy or is_local_host(host):
            return None
        entries = [entry.strip().lower() for entry in self.no_proxy.split(",")]
        target = f"{host}:{parts.port or HTTPS_PORT}"
        is_straight = "*" in entries or any(_covers(entry, target) for entry in entries)
        return None if is_straight else self.proxy


def _covers(entry: str, target: str) -> bool:
    """Say whether an entry of NO_PROXY means this host:port; `*.name` and `.name` are `name`."""
    name = entry.removeprefix("*").removeprefix(".")
    if ":" not in name:
        target = target.rpartition(":")[0]
    return bool(name) and f".{target}".endswith(f".{name}")


STRAIGHT = Route()


def route_problems(route: Route) -> list[str]:
    """Say what is wrong with a route, a sentence for each setting that begins with its name."""
    return [problem for problem in (_proxy_problem(route), _bundle_problem(route)) if problem]


def _proxy_problem(route: Route) -> str:
    if not route.proxy:
        return ""
    try:
        parts = urlsplit(route.proxy)
        is_right = parts.scheme in ("http", "https") and parts.hostname and parts.port
    except ValueError:
        is_right = False
    # The value may hold a password: it is not repeated.
    return "" if is_right else "HTTPS_PROXY is no address such as http://proxy.example.com:3128."


def _bundle_problem(route: Route) -> str:
    if not route.ca_bundle:
        return ""
    try:
        ssl.create_default_context(cafile=route.ca_bundle)
    except OSError as error:
        # An SSLError is one, too: a file without a readable certificate.
        return f"VENDOR_CA_BUNDLE cannot be read as PEM certificates ({type(error).__name__})."
    return ""


class GuardedConnector(aiohttp.TCPConnector):
    """Connects to public addresses and to the proxy; what the proxy connects to is judged too.

    The address is judged when a socket is made for it, so a name that resolves to something else
    the second time gains nothing. Through a proxy only a name that is resolved here can be judged:
    one that this network does not know is the proxy's to allow.
    """

    def __init__(
        self, *, allow_local: bool, resolver: aiohttp.abc.AbstractResolver | None, route: Route
    ) -> None:
        """Take the way out; must be called on the loop that will use it."""
        self._allow_local, self._route = allow_local, route
        self._lookup = _Lookup(resolver or aiohttp.ThreadedResolver(), route)
        super().__init__(
            limit=0,
            ttl_dns_cache=NAME_SECONDS,
            resolver=self._lookup,
            socket_factory=self._guarded_socket,
            ssl=_tls(route.ca_bundle),
        )

    async def proxy_for(self, url: str) -> str | None:
        """Return the proxy of an address, or None; raises CannotConnectError for a private one."""
        proxy = self._route.proxy_for(url)
        if proxy is not None:
            addresses = await self._lookup.addresses(urlsplit(url).hostname or "")
            if not all(may_connect(one, allow_local=self._allow_local) for one in addresses):
                raise CannotConnectError("the address is not public", reason="address")
        return proxy

    def _guarded_socket(self, addr_info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = addr_info
        host, port = str(address[0]), address[1]
        is_proxy = self._lookup.is_proxy(host, port)
        if not is_proxy and not may_connect(host, allow_local=self._allow_local):
            raise PermissionError(errno.EACCES, "the address is not public")
        return socket.socket(family, kind, protocol)


class _Lookup(aiohttp.abc.AbstractResolver):
    """Resolves names, and knows what the proxy's name has resolved to."""

    def __init__(self, resolver: aiohttp.abc.AbstractResolver, route: Route) -> None:
        self._resolver = resolver
        proxy = urlsplit(route.proxy)
        self._proxy_host, self._proxy_port = proxy.hostname, proxy.port if route.proxy else None
        self._proxy_addresses = {proxy.hostname} if proxy.hostname else set()
        self._known: Recent[tuple[float, frozenset[str]]] = Recent(_NAMES_KEPT)

    def is_proxy(self, address: str, port: int) -> bool:
        """Say whether this is the proxy's own address."""
        return port == self._proxy_port and address in self._proxy_addresses

    async def addresses(self, host: str) -> frozenset[str]:
        """Return what a host stands for, as numbers; nothing where nobody here knows it."""
        until, known = self._known.get(host) or (0.0, frozenset())
        if time.monotonic() >= until:
            known = await self._addresses(host)
            self._known.put(host, (time.monotonic() + NAME_SECONDS, known))
        return known

    async def _addresses(self, host: str) -> frozenset[str]:
        try:
            return frozenset({str(ipaddress.ip_address(host))})
        except ValueError:
            pass
        try:
            found = await self._resolver.resolve(host, HTTPS_PORT, family=socket.AF_UNSPEC)
        except OSError:
            return frozenset()
        return frozenset(one["host"] for one in found)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        """Resolve a name for the library."""
        found = await self._resolver.resolve(host, port, family)
        if host == self._proxy_host:
            self._proxy_addresses |= {one["host"] for one in found}
        return found

    async def close(self) -> None:
        """Let go of the resolver."""
        await self._resolver.close()


async def proxy_of(session: aiohttp.ClientSession, url: str) -> str | None:
    """Return the proxy through which a session's request must go, or None; may look a name up."""
    connector = session.connector
    assert isinstance(connector, GuardedConnector)
    return await connector.proxy_for(url)


def _tls(ca_bundle: str) -> ssl.SSLContext | bool:
    if not ca_bundle:
        return True
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=ca_bundle)
    return context
