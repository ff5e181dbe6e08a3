"""The bare limit: FastAPI, SQLAlchemy Core and python-socketio as the desk configures them, doing one INSERT and no more."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import socketio
import uvicorn
from fastapi import FastAPI, Request, Response
from sqlalchemy import Column, Identity, Integer, LargeBinary, MetaData, Table, text
from sqlalchemy.ext.asyncio import create_async_engine

from contactcenter.db import engine_url

table = Table("bare", MetaData(), Column("id", Integer, Identity(), primary_key=True), Column("body", LargeBinary))
PADDING = "x" * 1500
"""A frame of the desk holds the ticket's row and the message: about as much."""


def create(url: str) -> Any:
    engine = create_async_engine(engine_url(url), pool_size=6, max_overflow=0)
    server = socketio.AsyncServer(
        async_mode="asgi", transports=["websocket"], websocket_compression=False, namespaces=["/console"]
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(table.metadata.create_all)
        ears = await _listen(url, server)
        yield
        await ears.close()
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/row")
    async def row(request: Request) -> Response:
        body = await request.body()
        async with engine.begin() as connection:
            await connection.execute(table.insert().values(body=body))
        return Response(b"<Response/>", media_type="text/xml")

    @app.post("/told")
    async def told(request: Request) -> Response:
        """A row whose commit tells the sockets: the same transaction notifies."""
        body = await request.body()
        async with engine.begin() as connection:
            inserted = await connection.execute(table.insert().values(body=body).returning(table.c.id))
            await connection.execute(
                text(
                    "SELECT pg_notify('bare', json_build_array(CAST(:id AS int), extract(epoch FROM clock_timestamp()))::text)"
                ),
                {"id": inserted.scalar_one()},
            )
        return Response(b"<Response/>", media_type="text/xml")

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    return socketio.ASGIApp(server, app)


async def _listen(url: str, server: socketio.AsyncServer) -> "asyncpg.Connection[asyncpg.Record]":
    kept: set[asyncio.Task[None]] = set()

    def heard(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
        number, at = json.loads(payload)
        frame = {"items": [{"pos": number, "epoch": at, "padding": PADDING}]}
        task = asyncio.ensure_future(server.emit("events", frame, namespace="/console"))
        kept.add(task)
        task.add_done_callback(kept.discard)

    server.on("connect", lambda _sid, _environ, _auth=None: None, namespace="/console")
    connection = await asyncpg.connect(url)
    await connection.add_listener("bare", heard)
    return connection


def main() -> None:
    config = uvicorn.Config(
        create(os.environ["BARE_DATABASE_URL"]), host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools",
        ws="websockets-sansio", log_level="warning", access_log=False, server_header=False, ws_per_message_deflate=False,
        timeout_keep_alive=30, proxy_headers=False,
    )  # fmt: skip
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
