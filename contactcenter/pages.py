"""Pages and static files: hashed immutable paths, a generated import map and preloads, a strict policy for each page."""

import base64
import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

import agent_ui
import channels
from contactcenter.wiring import House

UI = Path(agent_ui.__file__).parent
CHANNELS = Path(channels.__file__).parent
STAFF_PAGES = {
    "/sign-in": "sign-in.html",
    "/agent": "agent.html",
    "/agent/t/{ref}": "agent.html",
    "/supervisor": "supervisor.html",
}
IMPORT = re.compile(r"""^\s*(?:import|export)\b[^;'"]*?["']([^"']+)["']""", re.MULTILINE)


class Folder:
    """A folder of static files under ``/static/<hash of its content>``."""

    def __init__(self, folder: Path, below: str = "") -> None:
        self.folder = folder
        digest = sha256()
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
        self.prefix = f"/static/{digest.hexdigest()[:12]}{below}"
        names = folder / "importmap.json"
        self.imports: dict[str, str] = json.loads(names.read_text())["imports"] if names.exists() else {}

    def importmap(self) -> str:
        mapped = {name: f"{self.prefix}/{target}" for name, target in self.imports.items()}
        return json.dumps({"imports": mapped}, separators=(",", ":"))

    def graph(self, entry: str) -> list[str]:
        """The modules that ``entry`` imports statically, itself first, each once."""
        seen: list[str] = []
        todo = [entry]
        while todo:
            name = todo.pop(0)
            path = self.folder / name
            if name in seen or not path.exists():
                continue
            seen.append(name)
            if path.suffix == ".js" or path.suffix == ".mjs":
                todo += [
                    self._resolved(name, spec) for spec in IMPORT.findall(path.read_text("utf-8")) if self._known(spec)
                ]
        return seen

    def _known(self, spec: str) -> bool:
        return spec.startswith(".") or spec in self.imports

    def _resolved(self, name: str, spec: str) -> str:
        if spec in self.imports:
            return self.imports[spec]
        return str((self.folder / name).parent.joinpath(spec).resolve().relative_to(self.folder.resolve()))

    def page(self, source: str) -> tuple[str, str]:
        """The page with its placeholders filled, and the policy's source of its import map."""
        imports = self.importmap()
        entries = re.findall(r'<script type="module" src="\{\{static\}\}/([^"]+)"', source)
        modules = [module for entry in entries for module in self.graph(entry)]
        preload = "\n".join(
            f'<link rel="modulepreload" href="{self.prefix}/{name}">' for name in dict.fromkeys(modules)
        )
        mapped = f'<script type="importmap">{imports}</script>' if self.imports else ""
        filled = (
            source.replace("{{importmap}}", mapped).replace("{{preload}}", preload).replace("{{static}}", self.prefix)
        )
        hashed = base64.b64encode(sha256(imports.encode()).digest()).decode()
        return filled, f"'sha256-{hashed}'" if self.imports else ""


class Immutable(StaticFiles):
    """Files whose address holds the hash of their content never change."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def kept(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                message["headers"].append((b"cache-control", b"public, max-age=31536000, immutable"))
            await send(message)

        await super().__call__(scope, receive, kept)


def compressed(folder: Path) -> GZipMiddleware:
    """Static files only: compressing answers that hold secrets beside what a stranger chose would give the secrets away."""
    return GZipMiddleware(Immutable(directory=folder), minimum_size=500)


def policy(house: House, script: str = "") -> str:
    base = house.settings.base_url
    socket = base.replace("http", "ws", 1)
    other = f" {socket.replace('//127.0.0.1', '//localhost')}" if "//127.0.0.1" in socket else ""
    return (
        f"default-src 'none'; script-src 'self' {script}; style-src 'self'; img-src 'self' blob:; connect-src 'self' {socket}{other}; "
        "font-src 'self'; media-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    )


def install(app: FastAPI, house: House) -> None:
    """Serve the staff's pages, and the page of every channel that brings one."""
    desk = Folder(UI / "static")
    app.mount(desk.prefix, compressed(desk.folder), name="static")
    app.state.static = desk.prefix
    router = APIRouter(include_in_schema=False)
    for path, name in STAFF_PAGES.items():
        _serve(router, house, path, desk, (UI / "pages" / name).read_text("utf-8"))
    for name, channel in house.kit.channels.items():
        folder = CHANNELS / name / "page"
        if channel.capabilities.live and folder.is_dir():
            own = Folder(folder, f"/{name}")
            app.mount(own.prefix, compressed(folder), name=f"static-{name}")
            _serve(router, house, f"/{name}/{{site}}", own, (folder / "index.html").read_text("utf-8"))

    @router.get("/")
    async def home() -> RedirectResponse:
        return RedirectResponse("/agent")

    @router.get("/favicon.ico")
    async def icon() -> RedirectResponse:
        return RedirectResponse(f"{desk.prefix}/favicon.svg")

    app.include_router(router)


def _serve(router: APIRouter, house: House, path: str, folder: Folder, source: str) -> None:
    page, script = folder.page(source)
    headers = {"content-security-policy": policy(house, script), "cache-control": "no-cache"}

    async def show(request: Request) -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    router.add_api_route(path, show, methods=["GET"], include_in_schema=False, response_class=HTMLResponse)
