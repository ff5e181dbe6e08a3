"""A simulated visitor of the agency's page, over Socket.IO like the page itself."""

import asyncio
import uuid
from typing import Any

import socketio

from contactcenter.sandbox.stories import Story

NAMESPACE = "/citizen"
ANSWER_LIMIT = 10


class Visit:
    """One open line. ``site`` is the inbox whose page is visited, ``topic`` the queue chosen there, if any."""

    def __init__(self, desk_url: str, site: str, story: Story) -> None:
        self._desk_url, self._site, self._story = desk_url, site, story
        self._client = socketio.AsyncClient(reconnection=False)
        self._client.on("message", story.heard, namespace=NAMESPACE)

    async def speak(self, name: str, topic: str) -> None:
        """Open the line and say one thing. Not being let in, or no answer in time, is left to the report."""
        try:
            await self._open()
            language = self._story.matter.language
            await self._call("start", {"name": name, "language": language} | ({"topic": topic} if topic else {}))
            line = {"client_msg_id": str(uuid.uuid4()), "text": self._story.matter.short}
            answer = await self._call("send", line)
        except (socketio.exceptions.SocketIOError, TimeoutError):
            return
        self._story.accepted = bool(answer.get("ok"))
        if answer.get("ref"):
            self._story.acknowledged = True
            self._story.sign.set()

    async def leave(self) -> None:
        if NAMESPACE in self._client.namespaces:
            await self._client.emit("leave", {}, namespace=NAMESPACE)
        await self._client.disconnect()

    async def _open(self) -> None:
        await self._client.connect(
            self._desk_url,
            headers={"Origin": self._desk_url},
            auth={"site": self._site, "token": None, "language": self._story.matter.language},
            transports=["websocket"],
            namespaces=[NAMESPACE],
            wait_timeout=ANSWER_LIMIT,
        )

    async def _call(self, event: str, data: dict[str, Any]) -> dict[str, Any]:
        answer = await self._client.call(event, data, namespace=NAMESPACE, timeout=ANSWER_LIMIT)
        return answer if isinstance(answer, dict) else {}


async def hold(visit: Visit, over: asyncio.Event, seconds: float) -> None:
    """Stay on the line for answers, then go."""
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        pass
    finally:
        await visit.leave()
