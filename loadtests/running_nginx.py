"""
nginx as it comes from the distribution, answering every request with 202: the rate of a server that does nothing.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from loadtests.running import free_port, pinned, stop

START_SECONDS_MAX = 10.0

_CONFIGURATION = """
daemon off;
{user}
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ add_header access-control-allow-origin * always; default_type text/plain; return 202 "ok"; }}
  }}
}}
"""


def find_nginx() -> str | None:
    """
    Find the program; None when it is not installed.
    """
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def running_nginx(directory: Path, core: int | None) -> Generator[int]:
    """
    Start it in the foreground with one worker; gives its port.

    Raises:
        RuntimeError: it is not installed or did not start.
    """
    program = find_nginx()
    if program is None:
        raise RuntimeError("nginx absent")
    port = free_port()
    configuration = directory / "nginx.conf"
    # As root its worker would be another user, who may not read this directory.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(_CONFIGURATION.format(directory=directory, port=port, user=user), encoding="utf-8")
    process = subprocess.Popen(
        pinned(
            core, [program, "-c", str(configuration), "-p", str(directory), "-e", str(directory / "nginx-error.log")]
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_port(process, port)
        yield port
    finally:
        stop(process)


def _wait_for_port(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("nginx did not start")
