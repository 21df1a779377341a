"""
Promises of the shipped proxy configuration, kept by a real nginx in front of a server that shows what arrives.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

CONFIG = (Path(__file__).parents[2] / "deploy/nginx/nginx.conf").read_text(encoding="utf-8")
SPOOFED = "203.0.113.77"

ADDRESS_HEADERS = (
    "X-Forwarded-For", "Forwarded", "Forwarded-For", "X-Forwarded", "X-Original-Forwarded-For", "X-Real-IP",
    "X-Client-IP", "X-Cluster-Client-IP", "X-ProxyUser-IP", "X-Remote-IP", "X-Remote-Addr", "X-Originating-IP",
    "Client-IP",
    "True-Client-IP", "CF-Connecting-IP", "CF-Connecting-IPv6", "CF-Pseudo-IPv4", "Fastly-Client-IP", "Fly-Client-IP",
    "CloudFront-Viewer-Address", "X-Azure-ClientIP", "X-Azure-SocketIP", "X-Appengine-User-IP",
    "X-Envoy-External-Address", "X-Vercel-Forwarded-For", "X-Nf-Client-Connection-IP", "X-Plausible-IP",
    "X-Forwarded-Host", "Via", "X_Forwarded_For", "X_Real_IP",
)  # fmt: skip


class Mirror(BaseHTTPRequestHandler):
    """
    Answers with the headers and the body length it got.
    """

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = json.dumps({"headers": self.headers.items(), "bytes": len(self.rfile.read(size))}).encode()
        self.send_response(202)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """
        Keep quiet.
        """


@dataclass(slots=True)
class Proxy:
    """
    A running nginx.
    """

    port: int
    process: subprocess.Popen[str]
    directory: Path
    upstream: ThreadingHTTPServer

    def post(self, headers: dict[str, str], body: bytes = b"{}") -> tuple[int, bytes]:
        """
        Send one beacon through it.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", "/api/event", body, headers)
        answer = connection.getresponse()
        status, text = answer.status, answer.read()
        connection.close()
        return status, text


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if nginx is None:
        pytest.skip("nginx is not installed, so the shipped proxy configuration cannot be tried")
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    port = free_port()
    config = CONFIG.replace("collectors:8000", f"127.0.0.1:{upstream.server_address[1]}")
    config = config.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/tmp/", f"{tmp_path}/")
    assert config.count(str(port)) == 1
    file = tmp_path / "nginx.conf"
    file.write_text(config.replace("worker_processes auto", "worker_processes 1"))
    output = (tmp_path / "output").open("w")
    process = subprocess.Popen(
        [nginx, "-e", "stderr", "-p", str(tmp_path), "-c", str(file), "-g", "daemon off;"],
        stdout=output, stderr=output, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert time.monotonic() < deadline, (tmp_path / "output").read_text()
            assert process.poll() is None, (tmp_path / "output").read_text()
            time.sleep(0.05)
    yield Proxy(port, process, tmp_path, upstream)
    process.terminate()
    process.wait(20)
    output.close()
    upstream.shutdown()
    upstream.server_close()


def test_spoofed_addresses_are_deleted(proxy: Proxy) -> None:
    """
    Whatever a visitor claims in a header, the collectors are told the connection's own address, once.
    """
    status, text = proxy.post(dict.fromkeys(ADDRESS_HEADERS, SPOOFED))
    arrived = json.loads(text)["headers"]
    named = {name.lower(): value for name, value in arrived}

    assert status == 202
    assert SPOOFED not in text.decode()
    assert named["x-forwarded-for"] == "127.0.0.1"
    assert {"x-forwarded-for"} == {name.lower() for name in ADDRESS_HEADERS} & set(named)


def test_an_edge_verdict_cannot_be_claimed(proxy: Proxy) -> None:
    """
    A visitor cannot say of himself what kind of address he has.
    """
    arrived = json.loads(proxy.post({"X-Plausible-IP-Type": "residential", "CF-IPCountry": "SE"})[1])["headers"]

    assert not {"x-plausible-ip-type", "cf-ipcountry"} & {name.lower() for name, _ in arrived}


def test_what_the_collectors_need_arrives(proxy: Proxy) -> None:
    """
    Host, user agent and the signals pass unchanged.
    """
    sent = {"Host": "stats.test:81", "User-Agent": "Mozilla/5.0", "Sec-GPC": "1", "DNT": "1"}
    arrived = {name.lower(): value for name, value in json.loads(proxy.post(sent)[1])["headers"]}

    assert list(sent.values()) == [arrived[name.lower()] for name in sent]
    assert arrived["x-forwarded-proto"] == "http"


def test_nothing_of_a_visitor_is_written(proxy: Proxy) -> None:
    """
    After beacons, a large body and an upstream that is gone, no file and no output holds address, agent or page.
    """
    marks = ("127.0.0.1,", "client: 127", SPOOFED, "Marked-Agent", "marked-page")
    headers = {"X-Forwarded-For": SPOOFED, "User-Agent": "Marked-Agent"}
    assert proxy.post(headers, b'{"u":"https://a.test/marked-page"}')[0] == 202
    assert proxy.post(headers, b"marked-page" * 200_000)[0] == 202
    proxy.upstream.shutdown()
    proxy.upstream.server_close()
    assert proxy.post(headers)[0] == 502
    proxy.process.terminate()
    proxy.process.wait(20)
    written = [file for file in proxy.directory.rglob("*") if file.is_file() and file.name != "nginx.conf"]

    assert [] == [(file.name, mark) for file in written for mark in marks if mark in file.read_text(errors="replace")]
    assert "" == (proxy.directory / "output").read_text()
