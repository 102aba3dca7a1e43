"""A webhook receiver with bad manners, in threads: some requests fail, hang or are sent away."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAILS, HANGS, REDIRECTS = 0.15, 0.05, 0.05
HANG_S = 12.0  # longer than any sender may wait


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; `code` 0 is no answer."""

    headers: dict[str, str]
    body: bytes
    code: int
    received_s: float  # this machine's clock

    @property
    def id(self) -> str:
        """The webhook-id."""
        return self.headers["webhook-id"]


@dataclass
class HostileReceiver:
    """Everything that was posted to it, in the order of the answers."""

    rng: random.Random
    url: str = ""
    is_kind: bool = False
    requests: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    def accepted(self) -> list[Request]:
        """The requests that were answered with success."""
        with self.lock:
            return [request for request in self.requests if request.code == 204]

    def choose_code(self) -> int:
        """Decide how to treat the next request."""
        with self.lock:
            roll = 1.0 if self.is_kind else self.rng.random()
        for share, code in ((FAILS, 500), (HANGS, 0), (REDIRECTS, 302)):
            if roll < share:
                return code
            roll -= share
        return 204

    def remember(self, request: Request) -> None:
        """Write a request down."""
        with self.lock:
            self.requests.append(request)


@contextmanager
def hostile_receiver(seed: int) -> Iterator[HostileReceiver]:
    """Receive on loopback for the length of the block."""
    receiver = HostileReceiver(random.Random(seed))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["content-length"])
            body = self.rfile.read(size)
            if len(body) < size:
                return  # its sender was killed half way: nobody would take this
            headers = {name.lower(): value for name, value in self.headers.items()}
            code = receiver.choose_code()
            receiver.remember(Request(headers, body, code, time.time()))
            if not code:
                receiver.closing.wait(HANG_S)
                return
            self.send_response(code)
            if code == 302:
                self.send_header("location", receiver.url + "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a board that is killed leaves its requests half done

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
