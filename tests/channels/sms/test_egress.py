"""The guarded fetch: what it must never touch, and that what it checked is what it connects to."""

import asyncio
import base64
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from channels._egress import Fetched, NotNow, Refused, Resolve, fetched, is_public

NAME = "media.riverton.example"
Answer = bytes | Callable[[str], bytes]


@dataclass
class Listener:
    port: int = 0
    answer: Answer = b""
    heads: list[str] = field(default_factory=list)
    connections: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            writer.write(self.answer(head) if callable(self.answer) else self.answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Listener]:
    made = Listener(answer=answer)
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


def reply(body: bytes = b"hello", status: str = "200 OK", kind: str = "image/jpeg", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", f"Content-Type: {kind}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def names(**book: str | Sequence[str]) -> Resolve:
    async def resolve(host: str, _port: int) -> Sequence[str]:
        found = book[host.replace(".", "_")]
        return (found,) if isinstance(found, str) else found

    return resolve


async def local(listener: Listener, path: str = "/a", **more: object) -> Fetched:
    """From an origin that the operator's settings name."""
    origin = f"http://127.0.0.1:{listener.port}"
    return await fetched(origin + path, may=lambda asked: asked == origin, **more)  # type: ignore[arg-type]  # as given


# --- what is never touched --------------------------------------------------------------------------------------------

CLOSED = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "0.0.0.0", "0.1.2.3"),
    *("100.64.0.1", "100.127.255.255", "169.254.169.254", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.19.255.255"),
    *("198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1"),
    *(
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "2002:7f00:1::",
        "2002:808:808::",
    ),
    *(
        "2001::1",
        "2001:0:53aa:64c::",
        "2001:db8::1",
        "3fff::1",
        "100::1",
        "5f00::1",
        "4000::1",
        "2001:10::1",
        "2001:20::1",
    ),
    *("", "localhost", "1.2.3", "0x7f.0.0.1"),
]
OPEN = [
    *("8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "172.15.0.1", "11.0.0.1", "198.20.0.1"),
    *("223.255.255.254", "126.255.255.255", "2606:4700::1111", "2a00:1450::1", "2001:200::1", "64:ff9b::8.8.8.8"),
]


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_of_a_closed_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_the_open_network_is_public(address: str) -> None:
    assert is_public(address)


@settings(max_examples=2000, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_nothing_is_public_that_the_standard_library_calls_private(number: int) -> None:
    ip = ipaddress.IPv4Address(number)
    if ip.is_private or ip.is_multicast or ip.is_reserved:
        assert not is_public(str(ip))
    assert is_public(f"64:ff9b::{ip}") == is_public(str(ip))


@pytest.mark.parametrize("address", CLOSED)
async def test_a_name_that_leads_into_a_closed_network_is_refused(address: str) -> None:
    async with listening(reply()) as inside:
        with pytest.raises(Refused):
            await fetched(f"https://{NAME}:{inside.port}/", resolve=names(media_riverton_example=address))
        assert inside.connections == 0


async def test_one_closed_address_among_open_ones_is_enough_to_refuse() -> None:
    with pytest.raises(Refused):
        await fetched(f"https://{NAME}/", resolve=names(media_riverton_example=("8.8.8.8", "10.0.0.1")))


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "[::1]",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.1.",
        ),
        *("[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "localhost", "localhost.", "127。0。0。1", "%31%32%37.0.0.1"),
        *("0", "0.0.0.0", "[::]", "user:secret@127.0.0.1", "user@localhost", "1.0x7f", "12345678901234567890"),
    ],
)
async def test_no_spelling_of_this_machine_reaches_it(host: str) -> None:
    async with listening(reply()) as inside:
        for scheme in ("http", "https"):
            with pytest.raises((Refused, NotNow)):
                await fetched(f"{scheme}://{host}:{inside.port}/secret")
        assert inside.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "//riverton.example/",
            "file:///etc/passwd",
            "ftp://riverton.example/",
            "gopher://x/",
            "data:text/plain,x",
        ),
        *("https://", "https:///a", "https://a b/", "https://riverton.example:99999/", "https://x:y/", "https://[/"),
        *(
            "https://riverton.example\\@127.0.0.1/",
            "https://riverton.example/\r\nX: y",
            "https://" + "a" * 5000,
            "http:",
        ),
        *("https://-x.example/", "https://ex..ample/", "https://" + "a" * 64 + ".example/", "http://riverton.example/"),
    ],
)
async def test_what_is_no_web_address_is_refused_before_anybody_is_asked(url: str) -> None:
    async def nobody(*_: object) -> Sequence[str]:
        raise AssertionError("a name was looked up")

    with pytest.raises(Refused):
        await fetched(url, resolve=nobody)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text(max_size=40).map("https://{}".format)))
def test_any_text_is_refused_or_not_found_and_nothing_else(url: str) -> None:
    with pytest.raises((Refused, NotNow)):
        asyncio.run(fetched(url, resolve=names_of_nobody))


async def names_of_nobody(_host: str, _port: int) -> Sequence[str]:
    return ()


# --- what is checked is what is connected to --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    form, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(form, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(form))
    return file


def trusting(certificate: Path) -> Callable[[], httpx.AsyncHTTPTransport]:
    return partial(httpx.AsyncHTTPTransport, verify=ssl.create_default_context(cafile=str(certificate)))


async def test_the_name_is_asked_once_and_its_first_answer_holds(certificate: Path) -> None:
    """A resolver that answers otherwise the second time (DNS rebinding) is not asked a second time."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    told: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: told.append(name)
    answers = iter((("127.0.0.1",), ("127.0.0.2",), ("127.0.0.2",)))
    asked = 0

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return next(answers)

    async with listening(reply(b"pixels"), tls) as server:
        origin = f"https://{NAME}:{server.port}"
        got = await fetched(
            f"{origin}/a?b=c", resolve=rebinding, may=lambda one: one == origin, transport=trusting(certificate)
        )
    assert got == Fetched(b"pixels", "image/jpeg", f"{origin}/a?b=c")
    assert (asked, server.connections, told) == (1, 1, [NAME])
    assert f"Host: {NAME}:{server.port}\r\n" in server.heads[0]


async def test_a_certificate_for_another_name_is_not_taken(certificate: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    async with listening(reply(), tls) as server:
        origin = f"https://other.example:{server.port}"
        with pytest.raises(NotNow):
            await fetched(
                origin, resolve=names(other_example="127.0.0.1"), may=lambda _: True, transport=trusting(certificate)
            )
        assert server.heads == []


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(reply()) as proxy, listening(reply(b"direct")) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await local(server)).body == b"direct"
        assert proxy.connections == 0


async def test_where_one_address_does_not_answer_the_next_is_tried() -> None:
    async with listening(reply(b"here")) as server:
        origin = f"http://two.example:{server.port}"
        got = await fetched(
            origin, resolve=names(two_example=("127.0.0.9", "127.0.0.1")), may=lambda asked: asked == origin
        )
        assert got.body == b"here"


# --- redirects --------------------------------------------------------------------------------------------------------


def moved(to: str, status: str = "302 Found") -> bytes:
    return reply(b"", status, Location=to)


async def test_a_redirect_into_a_closed_network_is_refused() -> None:
    async with listening(reply()) as inside:
        for to in (f"http://127.0.0.1:{inside.port}/", f"https://localhost:{inside.port}/", "file:///etc/passwd"):
            async with listening(moved(to)) as outside:
                with pytest.raises(Refused):
                    await local(outside)
        assert inside.connections == 0


async def test_settings_name_the_place_to_start_from_and_open_no_other() -> None:
    async with listening(reply()) as inside, listening(moved(f"http://127.0.0.1:{inside.port}/")) as outside:
        with pytest.raises(Refused):
            await fetched(f"http://127.0.0.1:{outside.port}/", may=lambda _: True)
        assert inside.connections == 0


async def test_a_redirect_within_the_place_is_followed() -> None:
    def answer(head: str) -> bytes:
        return reply(b"found") if head.startswith("GET /there?x=1 ") else moved("/there?x=1", "307 Temporary")

    async with listening(answer) as server:
        got = await local(server)
        assert (got.body, got.url) == (b"found", f"http://127.0.0.1:{server.port}/there?x=1")


async def test_three_redirects_are_followed_and_a_fourth_is_not() -> None:
    def stairs(head: str) -> bytes:
        step = int(head.split(" ")[1].strip("/"))
        return reply(b"down") if step == 0 else moved(f"/{step - 1}")

    async with listening(stairs) as server:
        assert (await local(server, "/3")).body == b"down"
        with pytest.raises(Refused, match="redirects"):
            await local(server, "/4")


@pytest.mark.parametrize("to", ["http://[", "https://h:bad/", "\\\\x", "//"])
async def test_a_redirect_to_nonsense_is_refused(to: str) -> None:
    async with listening(moved(to)) as server:
        with pytest.raises(Refused):
            await local(server)


# --- credentials ------------------------------------------------------------------------------------------------------

KEY = ("AC1", "secret")
BASIC = "Authorization: Basic " + base64.b64encode(b"AC1:secret").decode()


async def test_credentials_go_to_their_hosts_only() -> None:
    async with listening(reply()) as server:
        await local(server, credentials=KEY, credential_hosts=frozenset(("127.0.0.1",)))
        await local(server, credentials=KEY, credential_hosts=frozenset(("api.twilio.com",)))
        await local(server, credentials=KEY)
        assert [BASIC in head for head in server.heads] == [True, False, False]


async def test_credentials_are_dropped_where_a_redirect_leads_to_another_host(certificate: Path) -> None:
    """Neither the other host gets them, nor the first one when the way leads back to it."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)

    def answer(head: str) -> bytes:
        if "Host: other" in head:
            return moved(f"https://{NAME}:{server.port}/back")
        return reply(b"end") if head.startswith("GET /back") else moved(f"https://{NAME}.:{server.port}/x")

    hosts = frozenset((NAME, f"{NAME}."))
    async with listening(answer, tls) as server:
        origin = f"https://{NAME}:{server.port}"
        with pytest.raises(Refused):  # the dotted name is another origin: not named by the settings, and closed
            await fetched(
                origin,
                credentials=KEY,
                credential_hosts=hosts,
                resolve=names(media_riverton_example="127.0.0.1"),
                may=lambda one: one == origin,
                transport=trusting(certificate),
            )
        assert [BASIC in head for head in server.heads] == [True]


class Crossroads(httpx.AsyncBaseTransport):
    """The open network, without a wire: what was asked of which address, under which name."""

    def __init__(self, answers: dict[str, httpx.Response]) -> None:
        self.answers, self.asked = answers, []  # type: ignore[var-annotated]  # (address, name, has credentials)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.extensions["sni_hostname"]
        self.asked.append((request.url.host, name, "authorization" in request.headers))
        return self.answers[name + request.url.path]


async def test_on_the_open_network_credentials_stay_with_the_provider() -> None:
    way = Crossroads(
        {
            "api.twilio.com/a": httpx.Response(307, headers={"Location": "https://api.twilio.com/b"}),
            "api.twilio.com/b": httpx.Response(302, headers={"Location": "https://cdn.example/c"}),
            "cdn.example/c": httpx.Response(302, headers={"Location": "https://api.twilio.com/d"}),
            "api.twilio.com/d": httpx.Response(200, stream=httpx.ByteStream(b"x")),
        }
    )
    await fetched(
        "https://api.twilio.com/a",
        credentials=KEY,
        credential_hosts=frozenset(("api.twilio.com",)),
        resolve=names(api_twilio_com="8.8.8.8", cdn_example="2606:4700::1111"),
        transport=lambda: way,
    )
    assert way.asked == [
        ("8.8.8.8", "api.twilio.com", True),
        ("8.8.8.8", "api.twilio.com", True),
        ("2606:4700::1111", "cdn.example", False),
        ("8.8.8.8", "api.twilio.com", False),
    ]


# --- limits -----------------------------------------------------------------------------------------------------------


async def test_a_body_over_the_limit_is_refused_whether_it_says_so_or_not() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nConnection: close\r\n\r\n" + b"x" * 2000
    lies = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nx"
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"64\r\n" + b"x" * 100 + b"\r\n"
    for answer in (endless, lies, chunks + b"64\r\n" + b"x" * 100 + b"\r\n0\r\n\r\n", reply(b"x" * 151)):
        async with listening(answer) as server:
            with pytest.raises(Refused, match="larger"):
                await local(server, most=150)
    async with listening(reply(b"x" * 150)) as server:
        assert len((await local(server, most=150)).body) == 150


async def test_a_packed_body_is_refused_as_its_size_on_the_wire_says_nothing() -> None:
    async with listening(reply(b"\x1f\x8b", Content_Encoding="gzip")) as server:
        with pytest.raises(Refused):
            await local(server)
        assert "Accept-Encoding: identity\r\n" in server.heads[0]


async def test_the_time_limit_is_for_all_of_it() -> None:
    async def slow(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    with pytest.raises(NotNow):
        await fetched(f"https://{NAME}/", resolve=slow, seconds=0.05)
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"
    async with listening(lambda _: half) as server:
        with pytest.raises(NotNow):  # the connection ends before the body does
            await local(server)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *(("404 No", Refused), ("403 No", Refused), ("204 Empty", Refused), ("410 Gone", Refused)),
        *(("500 Broken", NotNow), ("503 Away", NotNow), ("429 Slow", NotNow)),
    ],
)
async def test_a_refusal_tells_its_status(status: str, kind: type[Refused] | type[NotNow]) -> None:
    async with listening(reply(b"", status)) as server:
        with pytest.raises(kind) as caught:
            await local(server)
        assert caught.value.status == int(status[:3])


@pytest.mark.parametrize(("said", "kind"), [("Image/PNG; q=1", "image/png"), ("nonsense", ""), ("a/b\tc", "")])
async def test_the_type_is_a_type_or_nothing(said: str, kind: str) -> None:
    async with listening(reply(kind=said)) as server:
        assert (await local(server)).type == kind
