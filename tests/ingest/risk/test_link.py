"""
The link between a collector and the owner of the windows: questions before crowds of observations, and none forgotten.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.risk import link as link_module
from ingest.risk.link import PIECE_BYTES, PIECES_MAX, RiskLink, RiskUnavailable, answering
from ingest.risk.observation import RECORD
from ingest.risk.question import Question
from tests.ingest.risk.sights import packed, sight

QUESTION = Question(b"0" * 16, 1, "ip")
LONG_SECONDS = 30


class Slow(asyncio.Transport):
    """
    An owner that notes in which order it is asked, and the transport of its connection.
    """

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self.paused = False

    def add(self, packed: bytes) -> None:
        assert len(packed) <= PIECE_BYTES
        self.done += ["seen"] * (len(packed) // RECORD.size)

    def check(self, question: Question) -> bytes:
        self.done.append("asked")
        return b"{}"

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append("answered")

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


def frames(kind: bytes, payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "little") + kind + payload


def question(number: int) -> bytes:
    import msgspec

    return frames(b"q", number.to_bytes(4, "little") + msgspec.msgpack.encode(QUESTION))


def test_a_question_does_not_wait_for_a_crowd() -> None:
    """
    What came together with observations is answered first, all in one write, and what comes while they are counted is
    answered between two pieces; every observation is counted in the end.
    """
    crowd = packed(sight()) * (PIECE_BYTES // RECORD.size * 3)

    async def scenario() -> list[str]:
        owner = Slow()
        served = answering(owner)()
        assert isinstance(served, asyncio.Protocol)
        served.connection_made(owner)
        served.data_received(frames(b"o", crowd) + question(1) + question(2))
        before = [*owner.done]
        await asyncio.sleep(0)
        served.data_received(question(3))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert ["asked", "asked", "answered"] == before
        return owner.done

    done = asyncio.run(scenario())
    assert 0 < done[3:].index("asked") <= PIECE_BYTES // RECORD.size
    assert len(crowd) // RECORD.size == done.count("seen")


def test_a_flood_of_observations_is_not_read_on() -> None:
    """
    With too many pieces waiting nothing more is read until half of them are counted.
    """

    async def scenario() -> tuple[bool, bool]:
        owner = Slow()
        served = answering(owner)()
        assert isinstance(served, asyncio.Protocol)
        served.connection_made(owner)
        block = packed(sight()) * (PIECE_BYTES // RECORD.size)
        served.data_received(frames(b"o", block) * (PIECES_MAX + 1))
        stopped = owner.paused
        for _ in range(PIECES_MAX):
            await asyncio.sleep(0)
        return stopped, owner.paused

    assert (True, False) == asyncio.run(scenario())


def test_an_owner_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A question that waits too long is answered with "too busy"; so is each of many.
    """
    monkeypatch.setattr(link_module, "ANSWER_SECONDS", 0.02)
    monkeypatch.setattr(link_module, "LOOK_SECONDS", 0.01)

    async def scenario() -> list[str]:
        path = tmp_path / "observations.sock"
        server = await asyncio.get_running_loop().create_unix_server(asyncio.Protocol, path=str(path))
        link = RiskLink(path)
        connecting = asyncio.create_task(link.keep_connected())
        try:
            async with asyncio.timeout(LONG_SECONDS):
                while True:
                    told = await asyncio.gather(*(link.ask(QUESTION) for _ in range(3)), return_exceptions=True)
                    texts = [str(error) for error in told if isinstance(error, RiskUnavailable)]
                    if "busy" in texts[0]:
                        return texts
                    await asyncio.sleep(0)
        finally:
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                await connecting
            server.close()

    texts = asyncio.run(scenario())
    assert ["the risk windows are too busy; ask again in a few seconds"] * 3 == texts
