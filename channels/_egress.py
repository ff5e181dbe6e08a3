"""The one guarded fetch, for every address that comes from a message or a form: it never reaches into our own network."""

import asyncio
import re
import socket
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

MOST = 10 * 1024 * 1024
SECONDS = 5.0
REDIRECTS = 3
TRIED_ADDRESSES = 3
MOVED = (301, 302, 303, 307, 308)
WAIT_AND_SEE = (408, 425, 429)

# Our own list and not the standard library's, which calls translated loopback and multicast global and carrier-shared
# space not private. https://www.iana.org/assignments/iana-ipv4-special-registry
NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
            *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
# Of IPv6 only what is given out for use on the open network, less its own exceptions: protocols and Teredo, documentation,
# 6to4, the name servers' sink. https://www.iana.org/assignments/iana-ipv6-special-registry
GIVEN_OUT_6 = IPv6Network("2000::/3")
NOT_PUBLIC_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")))
NAT64 = IPv6Network("64:ff9b::/96")

NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# What resolvers also take for an IPv4 address: 127.1, 2130706433, 0x7f.1, 0177.0.0.1.
NUMERIC = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Refused(Exception):
    """Never to be fetched, or not to be had. ``status``: the other side's own refusal, 0 where it was not asked."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class NotNow(Exception):
    """No answer, or one that may change: worth another try."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Fetched:
    """``type`` is what the server called it, without parameters; ``url`` where it was found in the end."""

    body: bytes
    type: str
    url: str


@dataclass(frozen=True, slots=True)
class _Hop:
    url: httpx.URL
    addresses: tuple[str, ...]

    @property
    def origin(self) -> str:
        return _origin(self.url)


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, by the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


async def fetched(
    url: str,
    *,
    credentials: tuple[str, str] | None = None,
    credential_hosts: frozenset[str] = frozenset(),
    most: int = MOST,
    seconds: float = SECONDS,
    resolve: Resolve = resolved,
    may: Callable[[str], bool] | None = None,
    transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
) -> Fetched:
    """Fetch ``url`` by GET. Raises Refused or NotNow and nothing else.

    Each name is resolved once and the connection goes to that very address, so that a second answer of the resolver changes
    nothing. ``most``: bytes on the wire. ``seconds``: for all of it, redirects too. ``credentials`` go to ``credential_hosts``
    only, and never again once a redirect led to another host. ``may`` says of an origin (``http://127.0.0.1:8025``) that the
    operator's own settings name it: only there, and only where the way starts, may it be http or lie within our network.
    ``transport`` makes one that trusts other certificates than the common ones.
    """
    try:
        async with asyncio.timeout(seconds), (transport or _transport)() as wire:
            return await _follow(wire, url, credentials, credential_hosts, most, resolve, may)
    except TimeoutError as late:
        raise NotNow("no answer in time") from late
    except (httpx.InvalidURL, ValueError) as odd:  # names, ports and redirects that Python's own parts trip over
        raise Refused("not an address") from odd
    except (httpx.HTTPError, OSError) as lost:
        raise NotNow(f"no connection: {type(lost).__name__}") from lost


def _transport() -> httpx.AsyncBaseTransport:
    """The bare wire: no proxies of the environment, no cookies, no redirects of its own."""
    return httpx.AsyncHTTPTransport(trust_env=False)


async def _follow(
    wire: httpx.AsyncBaseTransport,
    url: str,
    credentials: tuple[str, str] | None,
    credential_hosts: frozenset[str],
    most: int,
    resolve: Resolve,
    may: Callable[[str], bool] | None,
) -> Fetched:
    target, trusted = _address(url), ""
    if may is not None and may(_origin(target)):
        trusted = _origin(target)
    for _ in range(REDIRECTS + 1):
        hop = await _checked(target, resolve, trusted)
        told = credentials if target.host in credential_hosts else None
        answer = await _get(wire, hop, told, most)
        if isinstance(answer, Fetched):
            return answer
        target = _address(str(hop.url.join(answer)))
        if target.host != hop.url.host:
            credentials = None
    raise Refused("too many redirects")


def _address(url: str) -> httpx.URL:
    """The parts of an address that is one. Names in other scripts are already in their ASCII form here."""
    if len(url) > 4096 or re.search(r"[\x00-\x20\x7f\\]", url):
        raise Refused("not an address")
    target = httpx.URL(url)
    if target.userinfo or not target.raw_host or not 0 < _port(target) < 65536:
        raise Refused("an address without a host, or with a password")
    return target


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


async def _checked(url: httpx.URL, resolve: Resolve, trusted: str) -> _Hop:
    known = bool(trusted) and _origin(url) == trusted
    if url.scheme != "https" and not (known and url.scheme == "http"):
        raise Refused("not https")
    addresses = await _addresses(url, resolve)
    if not addresses:
        raise NotNow("a name without an address")
    if not known and not all(map(is_public, addresses)):
        raise Refused("an address within a closed network")
    return _Hop(url, addresses[:TRIED_ADDRESSES])


async def _addresses(url: httpx.URL, resolve: Resolve) -> tuple[str, ...]:
    host = url.raw_host.decode("ascii").lower()
    try:
        return (str(ip_address(host)),)
    except ValueError:
        pass
    name = host.removesuffix(".")
    if NUMERIC.fullmatch(name) or not NAME.fullmatch(name):
        raise Refused("an odd form of host")
    try:
        return tuple(dict.fromkeys(await resolve(name, _port(url))))
    except socket.gaierror as unknown:
        raise NotNow("a name without an address") from unknown


def _port(url: httpx.URL) -> int:
    default = 443 if url.scheme == "https" else 80
    return default if url.port is None else url.port


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open network. A translated one (RFC 6052) is what it stands for."""
    try:
        ip = ip_address(address)
    except ValueError:  # a zone behind it, or no address at all
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in NOT_PUBLIC_4)
    if ip in NAT64:
        return is_public(str(IPv4Address(int(ip) & 0xFFFFFFFF)))
    return _is_public_6(ip)


def _is_public_6(ip: IPv6Address) -> bool:
    return ip.scope_id is None and ip in GIVEN_OUT_6 and not any(ip in network for network in NOT_PUBLIC_6)


async def _get(
    wire: httpx.AsyncBaseTransport, hop: _Hop, credentials: tuple[str, str] | None, most: int
) -> Fetched | str:
    """The body, or where it is said to be."""
    for nth, address in enumerate(hop.addresses, 1):
        response = await _opened(wire, hop, address, credentials, last=nth == len(hop.addresses))
        if response is not None:
            try:
                return await _read(hop, response, most)
            finally:
                await response.aclose()
    raise NotNow("no connection")


async def _opened(
    wire: httpx.AsyncBaseTransport, hop: _Hop, address: str, credentials: tuple[str, str] | None, *, last: bool
) -> httpx.Response | None:
    """The answer of one address; None where no connection came about and there is another to try.

    The address stands in the URL, so there is no name left to resolve; the name stands in Host and, for the certificate, SNI.
    """
    headers = {"Host": hop.url.netloc.decode("ascii"), "Accept": "*/*", "Accept-Encoding": "identity"}
    if credentials:
        headers["Authorization"] = "Basic " + b64encode(":".join(credentials).encode()).decode()
    name = hop.url.raw_host.decode("ascii").removesuffix(".")
    request = httpx.Request("GET", hop.url.copy_with(host=address), headers=headers, extensions={"sni_hostname": name})
    try:
        return await wire.handle_async_request(request)
    except httpx.ConnectError:
        if last:
            raise
        return None


async def _read(hop: _Hop, response: httpx.Response, most: int) -> Fetched | str:
    if response.status_code in MOVED and "location" in response.headers:
        return response.headers["location"]
    _mind_status(response.status_code)
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Refused("packed, though we asked for it plain")
    length = response.headers.get("content-length", "0")
    body = bytearray()
    if length.isdigit() and int(length[:20]) > most:
        raise Refused(f"larger than {most} bytes")
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > most:
            raise Refused(f"larger than {most} bytes")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Fetched(bytes(body), kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind, re.ASCII) else "", str(hop.url))


def _mind_status(status: int) -> None:
    if status == 200:
        return
    if status >= 500 or status in WAIT_AND_SEE:
        raise NotNow(f"the server answered {status}", status)
    raise Refused(f"the server answered {status}", status)
