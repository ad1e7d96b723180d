"""A provider that speaks HTTP on loopback and does what a script says: answer, hang, drop the connection, be slow.

It records every request it saw and, in the subclasses, what it took; tests count both. Threads, port 0, no sleeping:
a hang lasts until `close` or `release`.
"""

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Seen:
    """A request as it arrived. `body`: decoded JSON or form fields."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """Answer so; `takes`: having taken it."""

    status: int
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    takes: bool = False


@dataclass(frozen=True)
class Hang:
    """Say nothing for ever; `takes`: having taken it."""

    takes: bool = False


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer; `takes`: having taken it."""

    takes: bool = False


@dataclass(frozen=True)
class Slow:
    """Take it, and answer once the test calls `release`."""


Behaviour = Answer | Hang | Drop | Slow


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is part of the play, not a fault worth a traceback."""


class FakeProvider:
    """Base of the fakes. `script(path, ...)` queues behaviours for a path; without one it takes what comes.

    `hook` runs in the server's thread after a request was taken and before it is answered.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.hook: Callable[[Seen], None] = lambda _: None
        self.arrived = threading.Condition()
        self._scripts: dict[str, deque[Behaviour]] = defaultdict(deque)
        self._released = threading.Event()
        self._lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                provider._serve(self)

            do_GET = do_POST  # noqa: N815 - the name that http.server calls

            def log_message(self, *_: Any) -> None:
                """Tests read `seen`."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def script(self, path: str, *behaviours: Behaviour) -> None:
        self._scripts[path].extend(behaviours)

    def release(self) -> None:
        """Let everything that hangs or is slow go on."""
        self._released.set()

    def wait_for(self, count: int, seconds: float = 60) -> bool:
        """Wait until `count` requests have arrived."""
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.seen) >= count, seconds)

    def take(self, seen: Seen) -> Answer:
        """What the real provider would do: keep the request and answer. Subclasses say."""
        raise NotImplementedError

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = handler.path.partition("?")[0]
        seen = Seen(handler.command, path, dict(handler.headers.items()), _decoded(raw, handler))
        with self._lock:
            queued = self._scripts[path]
            behaviour = queued.popleft() if queued else None
            answer = self._outcome(behaviour, seen)
        with self.arrived:
            self.seen.append(seen)
            self.arrived.notify_all()
        self.hook(seen)
        if isinstance(behaviour, Hang | Slow):
            self._released.wait()
        if answer is None:
            handler.close_connection = True
            return
        data = json.dumps(answer.body).encode() if answer.body != "" else b""
        handler.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _outcome(self, behaviour: Behaviour | None, seen: Seen) -> Answer | None:
        match behaviour:
            case Answer(takes=takes):
                if takes:
                    self.take(seen)
                return behaviour
            case Hang(takes=takes) | Drop(takes=takes):
                if takes:
                    self.take(seen)
                return None
            case _:
                return self.take(seen)


def _decoded(raw: bytes, handler: BaseHTTPRequestHandler) -> Any:
    if not raw:
        return dict(parse_qsl(handler.path.partition("?")[2]))
    if "json" in (handler.headers.get("Content-Type") or ""):
        return json.loads(raw)
    return dict(parse_qsl(raw.decode()))
