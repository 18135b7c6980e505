"""One loopback server for all services: real field names, real ways to fail, and a log of what was asked when."""

import json
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from data_prep.web.services import PUBLIC, Services

DAY_S = 86_400
WINDOW_S = 0.5
"""The services' windows of seconds, shortened so that a test need not wait."""
CALLS = 50
PATIENCE_S = 60.0
"""Longer than any start of a program on a busy machine."""


@dataclass(frozen=True)
class Answer:
    """What a stand-in says to one request."""

    content: object = b""
    """Bytes, or what becomes JSON."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """Close the connection in the middle of the body."""
    delay_s: float = 0.0
    useful: bool = True
    """Whether a client has what it asked for and must not ask again."""


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    at: float
    service: str
    path: str
    useful: bool


class StandIns:
    """The server; `with StandIns({"deezer": DeezerStandIn(songs), ...}) as servers`."""

    def __init__(self, services: dict[str, object]):
        self.services, self.log, self._asked = services, [], threading.Condition()
        self.times_asked = Counter()
        handler = type("Handler", (_Handler,), {"standins": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    def __enter__(self) -> "StandIns":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *details: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str) -> Answer:
        parts = urlsplit(path)
        _, service, rest = parts.path.split("/", 2)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        with self._asked:
            self.times_asked[path] += 1
            # Sound lies on other machines than the interface; whose it is stands first in the path.
            owner, rest = rest.split("/", 1) if service == "downloads" else (service, rest)
            downloads = f"{self.url}/downloads/{owner}"
            answer = self.services[owner].answer(rest, query, self.times_asked[path], downloads)
            self.log.append(Request(time.monotonic(), service, path, answer.useful and not answer.cut))
            self._asked.notify_all()
        return answer

    def wait_for(self, n_requests: int) -> None:
        """Return once so many requests have come in all.

        Raises:
            TimeoutError: none came for `PATIENCE_S`, so no more will.
        """
        with self._asked:
            while len(self.log) < n_requests:
                if not self._asked.wait(PATIENCE_S):
                    raise TimeoutError(f"{len(self.log)} requests came and no more; {n_requests} were to come")

    def most_in_a_window(self, service: str) -> int:
        """The most requests to a service within any window of `WINDOW_S`."""
        times = sorted(request.at for request in self.log if request.service == service)
        first, most = 0, 0
        for last, at in enumerate(times):
            while at - times[first] >= WINDOW_S:
                first += 1
            most = max(most, last - first + 1)
        return most

    def repeated(self) -> dict[str, int]:
        """How often each path was asked for again after it had been answered usefully."""
        answered, repeats = defaultdict(bool), Counter()
        for request in self.log:
            if answered[request.path]:
                repeats[request.path] += 1
            answered[request.path] |= request.useful
        return dict(repeats)


def addresses(url: str) -> Services:
    """The client's services, all of them at one stand-in; sound comes from the services' own addresses there."""
    moved = {
        name: replace(service, url=f"{url}/{name}", calls=CALLS, period_s=WINDOW_S)
        for name, service in vars(PUBLIC).items()
    }
    return Services(**moved)


class _Handler(BaseHTTPRequestHandler):
    standins: StandIns
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # Else each answer waits 40 ms for an acknowledgement.

    def do_GET(self) -> None:
        self._send(self.standins.answer(self.path))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(self.standins.answer(self.path))

    def _send(self, answer: Answer) -> None:
        time.sleep(answer.delay_s)
        body = answer.content if isinstance(answer.content, bytes) else json.dumps(answer.content).encode()
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(body))} | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body[: len(body) // 2] if answer.cut else body)
        except (BrokenPipeError, ConnectionResetError):
            answer = replace(answer, cut=True)  # The client was killed while it read: that is what some tests do.
        if answer.cut:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Quiet: the log is kept above."""
