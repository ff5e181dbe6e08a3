"""What a browser fetches for the console before anybody touches it: counted from the page, its preloads and styles."""

import gzip
import re
from urllib.parse import urljoin

import httpx

from tests.bench import stage
from tests.bench.figures import Figure
from tests.bench.stage import Stage

LOADED = re.compile(r'(?:href|src)="(/static/[^"]+)"')
IN_STYLE = re.compile(r"""(?:url\(|@import\s+)["']?([^"')\s]+)""")
STATIC_IMPORT = re.compile(r"""^\s*(?:import|export)\b[^;'"]*?["']([^"']+)["']""", re.MULTILINE)
LAZY_IMPORT = re.compile(r"""import\(\s*["']([^"']+)["']\s*\)""")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LIBRARIES = "/vendor/"
BARE = "the vendored libraries alone"


async def measure(place: Stage, *, quick: bool) -> list[Figure]:
    async with stage.desk(place, "web") as desk, httpx.AsyncClient(base_url=desk.url, trust_env=False) as http:
        files = await _everything(http, "/agent")
        files |= await _words(http, files)
        later = await _late(http, files)
        served = {path: await _as_served(http, path) for path in files}
    squeezed = {path: len(gzip.compress(body, 6)) / 1000 for path, body in files.items()}
    libraries = [size for path, size in squeezed.items() if LIBRARIES in path]
    return [
        Figure("first view", "Console, gzip", "kB", [sum(squeezed.values())], "less", 150, [sum(libraries)], BARE,
               note=f"{len(files)} requests before interaction; the parts it loads lazily add {later:.0f} kB gzip"),
        Figure("first view", "Console, as this server sends it to a browser", "kB", [sum(served.values()) / 1000], "less",
               note="no proxy in front; larger than gzip means that the server does not compress"),
        Figure("first view", "Requests", "", [float(len(files))], "less", None, [float(len(libraries))]),
    ]  # fmt: skip


async def _words(http: httpx.AsyncClient, files: dict[str, bytes]) -> dict[str, bytes]:
    """The catalogue of one language, which the console fetches by itself."""
    entry = next(path for path in files if path.endswith("/console.js"))
    path = urljoin(entry, "i18n/en.json")
    return {path: await _body(http, path)}


async def _everything(http: httpx.AsyncClient, page: str) -> dict[str, bytes]:
    """Bodies by path: the page, all it names, what its styles name, and the modules that those import statically."""
    found = {page: await _body(http, page)}
    imports = re.search(r'"imports":(\{[^}]*\})', found[page].decode())
    todo = LOADED.findall(found[page].decode())
    named = dict(re.findall(r'"([^"]+)":"([^"]+)"', imports[1])) if imports else {}
    while todo:
        path = todo.pop(0)
        if path in found:
            continue
        found[path] = await _body(http, path)
        todo += _next(path, found[path].decode("utf-8", "replace"), named)
    return found


def _next(path: str, source: str, named: dict[str, str]) -> list[str]:
    if path.endswith(".css"):
        return [urljoin(path, one) for one in IN_STYLE.findall(source) if not one.startswith("data:")]
    if not path.endswith((".js", ".mjs")):
        return []
    return [
        named.get(spec) or urljoin(path, spec)
        for spec in STATIC_IMPORT.findall(source)
        if spec in named or spec.startswith(".")
    ]


async def _late(http: httpx.AsyncClient, files: dict[str, bytes]) -> float:
    """kB of the modules imported on demand."""
    lazy = {
        urljoin(path, spec)
        for path, body in files.items()
        if path.endswith(".js")
        for spec in LAZY_IMPORT.findall(COMMENT.sub("", body.decode()))
        if spec.startswith(".")
    } - set(files)
    return sum([len(gzip.compress(await _body(http, path), 6)) for path in sorted(lazy)]) / 1000


async def _body(http: httpx.AsyncClient, path: str) -> bytes:
    answer = await http.get(path, headers={"Accept-Encoding": "identity"})
    return answer.raise_for_status().content


async def _as_served(http: httpx.AsyncClient, path: str) -> int:
    """Bytes on the wire for a client that takes gzip."""
    async with http.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        return sum([len(part) async for part in answer.aiter_raw()])
