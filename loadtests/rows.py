"""
The rows of the table, in its order. Every must and aim is one of the project's goals.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from loadtests.answers import hundred_million, ten_million
from loadtests.beacons import VARIED
from loadtests.disk import bytes_per_event
from loadtests.drain_alone import drain_against_collector
from loadtests.latency import p99_at_half_rate
from loadtests.measured import Row
from loadtests.memory import after_soak, growth_in_soak, idle
from loadtests.risk import check_latency, cost_to_collector, memory_of_windows
from loadtests.road import whole_road
from loadtests.rounds import batches_against_beacons, beacons_against, catch_up
from loadtests.vault import vault_on_against_off

_ONE_CORE = "POST /api/event, 64 connections, 20,000 addresses"

ROWS: tuple[Row, ...] = (
    Row("single", f"{_ONE_CORE}, 50 user agents, 500 URLs, against bare uvicorn", 2.0, 3.0, "x",
        partial(beacons_against, "bare")),
    Row("os", "the same with durability os", 2.5, 3.5, "x",
        partial(beacons_against, "bare", "os"), durability="os"),
    Row("varied", "the same with 200,000 URLs and 5,000 user agents", 1.5, 2.5, "x",
        partial(beacons_against, "bare", "fsync", VARIED)),
    Row("nginx", "against nginx answering a constant 202", 0.4, 0.7, "x",
        partial(beacons_against, "nginx")),
    Row("batch", "events/s by POST /api/events (500 a body) against single beacons", 5, 10, "x",
        batches_against_beacons),
    Row("vault", "POST /api/event with the vault on against off, the same server in turns", 0.9, 1.0, "x",
        vault_on_against_off),
    Row("latency", "p99 at half of bare uvicorn's rate, open loop, against bare uvicorn", 1.5, 1.0, "x",
        p99_at_half_rate, less_is_better=True),
    Row("catchup", "seconds to lag 0 after 8 s of saturation, one core", 30, 30, "s",
        catch_up, less_is_better=True),
    Row("road", "whole road on two cores with the generator, sustained, against bare uvicorn", 1.0, 2.0, "x",
        whole_road),
    Row("drain", "drain alone, events/s against the collector's, one core", 1.5, 3, "x",
        drain_against_collector),
    Row("disk", "bytes on disk by event after merges, seeded traffic, all tables", 25, 15, "B",
        bytes_per_event, durability="-", less_is_better=True),
    Row("answers", "all panels of the unfiltered dashboard, 30 days and 12 months, 10 million events", 300, 150, "ms",
        ten_million, durability="-", less_is_better=True),
    Row("answers100", "the same with 100 million events", 400, 200, "ms",
        hundred_million, durability="-", less_is_better=True),
    Row("idle", "resident memory of all processes, idle", 550, 400, "MiB",
        idle, less_is_better=True),
    Row("checks", "p99 of risk checks at 1,000/s beside 5,000 events/s", 10, 5, "ms",
        check_latency, less_is_better=True),
    Row("risk", "POST /api/event at saturation with risk on against off, in turns", 0.9, 0.97, "x",
        cost_to_collector),
    Row("riskmemory", "resident memory of the risk windows for a million addresses of one day", 400, 200, "MiB",
        memory_of_windows, durability="-", less_is_better=True),
    Row("soak", "resident memory after the last soak", 1000, 700, "MiB",
        after_soak, less_is_better=True),
    Row("growth", "its growth over the last 5 minutes of that soak", 2, 1, "%",
        growth_in_soak, less_is_better=True),
)  # fmt: skip


def choose(names: str) -> Sequence[Row]:
    """
    Choose rows by name.

    Args:
        names: separated by commas; empty for all.

    Raises:
        ValueError: there is no such row.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = sorted(set(wanted) - {row.name for row in ROWS})
    if unknown:
        raise ValueError(f"there is no row {', '.join(unknown)}; rows are {', '.join(row.name for row in ROWS)}")
    return [row for row in ROWS if not wanted or row.name in wanted]
