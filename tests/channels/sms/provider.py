"""A stand-in for Twilio's API: one prepared answer at a time, and what was asked."""

import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    status: int = 201
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    raw: bytes | None = None


@dataclass
class Provider:
    url: str = ""
    answer: Answer = field(default_factory=Answer)
    answers: list[Answer] = field(default_factory=list)  # first these, then always the one
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


def refusal(code: int, status: int = 400, **headers: str) -> Answer:
    body = {"code": code, "message": "said by the provider", "more_info": "", "status": status}
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def provider() -> Iterator[Provider]:
    made = Provider()

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            made.asked.append((self.command, self.path, body))
            made.keys.append(self.headers["Authorization"] or "")
            answer = made.answers.pop(0) if made.answers else made.answer
            if answer.hang_up:
                self.connection.close()
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # whoever asked may have read enough
                self.wfile.write(json.dumps(answer.body).encode() if answer.raw is None else answer.raw)

        def do_GET(self) -> None:
            self.headers["Content-Length"] = "0"
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
