"""
Case 31: bodies that grow when they are unpacked.
"""

from __future__ import annotations

import gzip
import zlib

import pytest

from ingest.answers import BODY_BYTES_MAX
from tests.attacks.test_oversize import GROWTH_KIB_MAX, collector_of
from tests.attacks.wire import ask_raw, beacon, post, resident_kib, status
from tests.server import Server

pytestmark = pytest.mark.server

UNPACKED_BYTES = 60 * 1024 * 1024
BOMB = gzip.compress(b'{"n":"' + b"a" * UNPACKED_BYTES + b'"}')
"""Packed it is within the limit of a body; unpacked it is a thousand times that."""
NESTED = gzip.compress(BOMB)


@pytest.mark.parametrize(
    "encoding", [b"gzip", b"GZip", b"x-gzip", b"deflate", b"br", b"zstd", b"compress", b"gzip, gzip", b"identity, gzip"]
)
@pytest.mark.parametrize("body", [BOMB, NESTED, b"\x1f\x8bnot-gzip", b""], ids=["bomb", "nested", "bad magic", "empty"])
def test_encodings_are_refused(server: Server, encoding: bytes, body: bytes) -> None:
    """
    Whatever the encoding is called and whatever it holds, the answer is 415 and nothing is unpacked.
    """
    pid = collector_of(server)
    before = resident_kib(pid)

    assert 415 == status(ask_raw(server, post(body, b"content-encoding: " + encoding)))
    assert resident_kib(pid) - before < GROWTH_KIB_MAX


def test_a_second_line_does_not_hide_the_first(server: Server) -> None:
    """
    `identity` in one line does not hide `gzip` in another, in either order.
    """
    for lines in ((b"identity", b"gzip"), (b"gzip", b"identity")):
        sent = post(BOMB, *(b"content-encoding: " + line for line in lines))
        assert 415 == status(ask_raw(server, sent))


def test_packed_bytes_without_a_word_are_no_json(server: Server) -> None:
    """
    A packed body that does not say so is bytes that are no JSON: 400.
    """
    assert 400 == status(ask_raw(server, post(BOMB)))


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"chunked, gzip", b"gzip"])
def test_packed_transfer(server: Server, coding: bytes) -> None:
    """
    A transfer coding other than chunked is refused, or its bytes stay as they are; never unpacked.
    """
    sent = post(b"", b"transfer-encoding: " + coding, length=False) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BOMB), BOMB)

    assert status(ask_raw(server, sent)) in (0, 400, 415, 501)


def test_plain_body_called_identity_is_taken(server: Server) -> None:
    """
    The control for the header: `identity` is no encoding, and is accepted.
    """
    assert 202 == status(ask_raw(server, post(beacon("/identity"), b"content-encoding: identity")))


def test_control_unpacking_would_pass_the_limit() -> None:
    """
    A double that unpacks what fits into the limit of a body holds a thousand times that limit.
    """
    assert len(BOMB) < BODY_BYTES_MAX
    assert len(zlib.decompress(BOMB, wbits=31)) > 900 * BODY_BYTES_MAX
    assert len(gzip.decompress(gzip.decompress(NESTED))) > 900 * BODY_BYTES_MAX
