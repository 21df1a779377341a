"""
The risk process: the one owner of a machine's risk windows. It holds no key and never learns an address.

Two sockets, both mode 0600: `observations.sock` takes frames of the collectors (`ingest/risk/link.py`), `risk.sock`
answers commands and the dashboard in JSON lines.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Any

from daysalt.garbage import settle_memory
from daysalt.lifeline import watch_life_line
from ingest.risk.assessments import VERDICTS
from ingest.risk.link import answering
from ingest.risk.owner import Owner, Question
from warehouse.clock import SystemClock
from warehouse.data_dir import KEEPER_SOCKET, OBSERVATIONS_SOCKET, RISK_SOCKET
from warehouse.local_socket import Fields, Operation, SocketAbsent, SocketRefused, bind_private, call, listen
from warehouse.settings import Settings

TICK_SECONDS = 1.0
CALL_SECONDS = 5.0


def run_risk(settings: Settings) -> int:
    """
    Run until told to stop. What was counted is gone then, and `confidence` says so afterwards.
    """
    import uvloop

    # TRICKY: not nicer than a collector. At nice 10 a check beside 5,000 events a second waited for tens of
    # milliseconds; what this process takes of a core is bounded by what collectors tell it (`HITS_A_SECOND_MAX`).
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))
    return 0


def risk_operations(owner: Owner) -> dict[str, Operation]:
    """
    Give the operations of `risk.sock` by name.
    """

    async def check(question: Fields) -> Fields:
        fields: dict[str, Any] = {**question, "rid": bytes.fromhex(question["rid"])}
        return {"answer": owner.check(Question(**fields)).decode()}

    async def explain(assessment_id: str) -> Fields:
        return {"explanation": owner.explain(assessment_id)}

    async def judge(assessment_id: str, verdict: str) -> Fields:
        if verdict not in VERDICTS:
            raise SocketRefused(f"verdict must be one of {', '.join(VERDICTS)}")
        return {"known": owner.judge(assessment_id, verdict)}

    async def quality(site_id: int, window: str, k: int) -> Fields:
        return owner.quality(site_id, window, k)

    async def forget(rid: str) -> Fields:
        return {"known": owner.forget_address(bytes.fromhex(rid))}

    return {"check": check, "explain": explain, "judge": judge, "quality": quality, "forget": forget}


async def _serve(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    watch_life_line(stopping.set)
    owner = Owner(SystemClock())
    control = await listen(settings.data_dir / RISK_SOCKET, risk_operations(owner))
    frames = await loop.create_unix_server(answering(owner), sock=bind_private(settings.data_dir / OBSERVATIONS_SOCKET))
    settle_memory()
    ticking = asyncio.create_task(_tick_forever(settings, owner))
    await stopping.wait()
    ticking.cancel()
    frames.close()
    control.close()


async def _tick_forever(settings: Settings, owner: Owner) -> None:
    while True:
        owner.turn()
        # Unheard, it is told again in a second.
        with suppress(SocketAbsent, SocketRefused):
            await asyncio.to_thread(
                call,
                settings.data_dir / KEEPER_SOCKET,
                "report",
                timeout_s=CALL_SECONDS,
                process="risk",
                pid=os.getpid(),
                counters={"daysalt_risk_observations": owner.observed},
                gauges={"daysalt_risk_addresses": owner.windows.rows.used},
            )
        await asyncio.sleep(TICK_SECONDS)
