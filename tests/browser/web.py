"""
A small web of pages for the browser to visit, and a collector that only remembers what it was sent.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast

from ingest.tracker.scripts import make_script, script_reply

DEADLINE_S = 10
OWN_SCRIPTS = {"own": make_script({"data-domain": "site.test", "own": 1})}
"""Id -> script of a site's own, as `/js/pa-<id>.js`."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request as it reached the server. Header names in lower case.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Web:
    """
    A web server on a free port of 127.0.0.1 with the pages it is given, under any host name.
    """

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        """Path, without query -> HTML."""
        self.scripts: dict[str, str] = {}
        """Path, without query -> JavaScript."""
        self.requests: list[Request] = []
        self._arrived = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self.answer, self._remember)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def origin(self, host: str) -> str:
        """
        Name this server as an origin of that host.
        """
        return f"http://{host}:{self.port}"

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """
        Give the page, or 404.
        """
        path = request.path.split("?")[0]
        if path in self.scripts:
            return 200, {"content-type": "text/javascript; charset=utf-8"}, self.scripts[path].encode()
        page = self.pages.get(path)
        if page is None:
            return 404, {"content-type": "text/plain"}, b"no such page"
        return 200, {"content-type": "text/html; charset=utf-8"}, page.encode()

    def wait(self, enough: Callable[[], bool], what: str) -> None:
        """
        Wait until the requests so far are enough, or fail after the deadline saying what did not come.
        """
        ends = time.monotonic() + DEADLINE_S
        with self._arrived:
            while not enough():
                left = ends - time.monotonic()
                assert left > 0, f"waited {DEADLINE_S} s in vain for {what}"
                self._arrived.wait(left)

    def _remember(self, request: Request) -> None:
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Collector(Web):
    """
    Serves the tracker and remembers its beacons. The answer's status may be changed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = 202

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """
        Give the script, or accept a beacon.
        """
        if request.path.endswith("/api/event"):
            return self.status, {"content-type": "text/plain", "access-control-allow-origin": "*"}, b"ok"
        path = request.path.split("?")[0]
        reply = script_reply(path[path.rfind("/js/") :], own=OWN_SCRIPTS.get)
        headers = {name.decode(): value.decode() for name, value in reply.headers if name != b"content-length"}
        # Else the browser's cache would carry one test's script into the next.
        return reply.status, headers | {"cache-control": "no-store"}, reply.body

    @property
    def beacons(self) -> list[dict[str, Any]]:
        """
        Bodies of the beacons so far, in order of arrival.
        """
        return [json.loads(one.body) for one in list(self.requests) if one.method == "POST"]

    def named(self, name: str) -> list[dict[str, Any]]:
        """
        Bodies of the beacons of that event name so far.
        """
        return [beacon for beacon in self.beacons if beacon["n"] == name]

    def expect(self, count: int, name: str = "pageview") -> list[dict[str, Any]]:
        """
        Wait for so many beacons of that name and give them.
        """
        self.wait(lambda: len(self.named(name)) >= count, f"{count} x {name}")
        assert len(self.named(name)) == count
        return self.named(name)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        answer: Callable[[Request], tuple[int, dict[str, str], bytes]],
        remember: Callable[[Request], None],
    ) -> None:
        super().__init__(address, _Answering)
        self.answer = answer
        self.remember = remember


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_GET(self) -> None:  # the name http.server calls
        self._serve()

    def do_POST(self) -> None:  # the name http.server calls
        self._serve()

    def do_OPTIONS(self) -> None:  # the name http.server calls
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name http.server gives
        """
        Say nothing.
        """

    def _serve(self) -> None:
        server = cast(_Server, self.server)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        status, extra, answer = server.answer(request)
        self.send_response(status)
        for name, value in extra.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        server.remember(request)
