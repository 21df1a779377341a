"""
A server with one trick, for the generator to meet: it counts requests and answers as told.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

ACCEPTED = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok"
DROPPED = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nx-plausible-dropped: 1\r\n\r\nok"
FULL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\nretry-after: 5\r\n\r\nfull"


class Stub:
    """
    What came in.
    """

    def __init__(self, answer: Callable[[int], bytes]) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.lock = threading.Lock()
        self.port = 0

    def take(self, request: bytes) -> bytes:
        """
        Note a request; an empty answer closes the connection.
        """
        with self.lock:
            self.requests.append(request)
            return self.answer(len(self.requests) - 1)

    def serve(self, connection: socket.socket) -> None:
        """
        Answer one connection until it ends.
        """
        received = b""
        with connection, suppress(OSError):
            while data := connection.recv(65536):
                received += data
                head, gap, rest = received.partition(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) if gap else 0
                if not gap or len(rest) < size:
                    continue
                received = rest[size:]
                answer = self.take(head + gap + rest[:size])
                if not answer:
                    return
                connection.sendall(answer)


@contextmanager
def running_stub(answer: Callable[[int], bytes] = lambda _: ACCEPTED) -> Generator[Stub]:
    """
    Serve on a free port; `answer` gives the answer to the n-th request.
    """
    stub = Stub(answer)
    listener = socket.create_server(("127.0.0.1", 0))
    stub.port = listener.getsockname()[1]
    threads: list[threading.Thread] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                thread = threading.Thread(target=stub.serve, args=(connection,), daemon=True)
                threads.append(thread)
                thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield stub
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [accepting, *threads]:
            thread.join(5)
