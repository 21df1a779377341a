"""
The collector process: the public port, hops 1-5. It reads the registry of sites, asks the keeper for salts, and never
touches the warehouse.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import socket
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from daysalt.garbage import settle_memory
from daysalt.lifeline import watch_life_line
from daysalt.quiet_server import QuietServer
from daysalt.retiring import serve_until
from daysalt.risk_side import RiskSide
from daysalt.site_rules import site_rules
from daysalt.vault.lane import VaultLane
from ingest.address import AddressTrust
from ingest.batch import Batch
from ingest.check_lane import with_checks
from ingest.collect import Collector
from ingest.connection import SWEEP_SECONDS
from ingest.door import Door, Health, Parts
from ingest.enrich import EnrichTools, SiteRules
from ingest.hand_over import PATIENCE_SECONDS, HandOver
from ingest.keys.day_keys import day_keys
from ingest.keys.salts import Salt
from ingest.lane import BeaconLane, lane_for
from ingest.me import Me
from ingest.midnight import TABLE_BYTES, OpenVisitTable
from ingest.objections import Objections
from ingest.place import PlaceReader
from ingest.pseudonymize import Pseudonymizer
from ingest.risk_id import RiskIds
from ingest.sightings import HAND_OVER_SECONDS
from ingest.spool.giving_way import give_way_forever
from ingest.spool.writer import SpoolWriter
from ingest.tracker.site_scripts import SiteScripts
from ingest.warm import warm_up
from ingest.word_files import WordFiles
from warehouse.clock import SystemClock
from warehouse.data_dir import DASHBOARD_SOCKET, KEEPER_SOCKET
from warehouse.local_socket import SocketAbsent, SocketRefused, call
from warehouse.log import logger
from warehouse.registry.database import Registry
from warehouse.registry.sites import Site
from warehouse.settings import Settings

TICK_SECONDS = 1.0
SALT_REFRESH_SECONDS = 20
KEEP_ALIVE_SECONDS = 75
GRACE_SECONDS = 5
CALL_SECONDS = 5.0


def run_collector(settings: Settings, *, name: str, listen_fd: int, table_fd: int, beside_store: bool) -> int:
    """
    Run until told to stop.

    Args:
        listen_fd: listening socket, opened by the keeper so that no connection is refused while a collector restarts.
        table_fd: memory shared by the collectors for visits open at midnight.
        beside_store: the same keeper runs a store, whose dashboard is worth waiting for while it starts.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_Process(settings, name, listen_fd, table_fd, PATIENCE_SECONDS if beside_store else 0).run())
    return 0


def _loop_factory() -> Any:
    import uvloop

    return uvloop.new_event_loop


class _Process:
    def __init__(self, settings: Settings, name: str, listen_fd: int, table_fd: int, patience_seconds: float) -> None:
        self._settings = settings
        self._patience_seconds = patience_seconds
        self._name = name
        self._clock = SystemClock()
        self._keeper = settings.data_dir / KEEPER_SOCKET
        self._listener = socket.socket(fileno=listen_fd)
        memory = memoryview(mmap.mmap(table_fd, TABLE_BYTES))
        self._pseudonymizer = Pseudonymizer(OpenVisitTable(memory))
        self._registry = Registry(settings.registry_url, self._clock)
        self._place = PlaceReader(settings.geo_db or settings.lists_dir / "country.mmdb", self._clock)
        self._words = WordFiles(settings.lists_dir, self._clock)
        self._risk_ids = RiskIds()
        self._risk = RiskSide(settings, self._clock, self._risk_ids, self._place)
        self._collector = Collector(
            clock=self._clock,
            trust=AddressTrust(settings.trusted_proxies, settings.address_headers),
            tools=EnrichTools(self._place, self._risk.networks.is_datacenter),
            pseudonymizer=self._pseudonymizer,
            ip_type_header=settings.ip_type_header,
        )
        self._batch = Batch(self._collector, self._clock)
        warm_up()
        self._vault: VaultLane | None = None
        self._site_scripts = SiteScripts()
        self._revision = -1
        self._rezone_ms: int | None = None
        """When a site's days follow another time zone, epoch milliseconds UTC; None when no change lies ahead."""
        self._zones: frozenset[str] = frozenset()
        self._salts_at_ms = 0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        watch_life_line(stopping.set)
        spool = SpoolWriter(
            self._settings.spool_dir / "events",
            self._clock,
            loop,
            sync=self._settings.durability == "fsync",
            bytes_max=self._settings.spool_max_bytes,
            find_work=lambda: self._collector.sightings.find_work(),
        )
        vault = self._vault = VaultLane(self._settings, self._clock, loop, self._keeper)
        self._collector.install_sinks([self._risk.start(), *([vault.sink] if self._settings.ip_retention_days else ())])
        base_path = urlsplit(self._settings.base_url).path.rstrip("/")
        dashboard, headers = self._settings.data_dir / DASHBOARD_SOCKET, self._settings.address_headers
        hand_over = HandOver(dashboard, headers, patience_seconds=self._patience_seconds)
        door = Door(
            self._collector,
            spool,
            hand_over,
            self._batch,
            base_path=base_path,
            own_scripts=self._site_scripts.find,
            health=partial(self._health, spool),
            metrics=self._metrics,
            geo_database=lambda: self._place.title,
            me=Me(hand_over, self._ask, self._collector.address_of),
            risk=self._risk.door,
        )
        lane = with_checks(lane_for(self._collector, spool, base_path), self._risk.door, base_path)
        # Salts and sites first: a collector without them could only refuse.
        while not stopping.is_set() and not await self._prepare():
            await _wait(stopping, 0.2)
        if stopping.is_set():
            return
        settle_memory()
        server = QuietServer(
            uvicorn.Config(
                door,
                http=lane,
                ws="none",
                lifespan="off",
                access_log=False,  # it would print addresses
                proxy_headers=False,  # ingest/address.py decides, with a list of proxies
                server_header=False,
                log_config=None,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        ticking = asyncio.create_task(self._tick_forever(spool))
        sweeping = asyncio.create_task(_sweep_forever(lane))
        telling = asyncio.create_task(_tell_forever(self._collector))
        keeping = asyncio.create_task(vault.run_forever())
        giving_way = asyncio.create_task(give_way_forever(self._settings.spool_dir / "events", self._clock))
        await serve_until(server, self._listener, lane, stopping)
        ticking.cancel()
        sweeping.cancel()
        telling.cancel()
        keeping.cancel()
        giving_way.cancel()
        self._collector.sightings.hand_over()
        await vault.close()
        await self._flush(spool)
        spool.close()
        await self._report(spool)
        await hand_over.close()

    async def _tick_forever(self, spool: SpoolWriter) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self._tick(spool)
            except Exception as error:  # one bad tick must not end the ticking
                logger().error("a tick of the collector failed", error=type(error).__name__)

    async def _tick(self, spool: SpoolWriter) -> None:
        self._collector.forget_expired()
        self._batch.event_ids.forget_expired(self._clock.now_ms())
        self._risk_ids.forget_expired(self._clock.now_ms())
        await self._prepare()
        await self._flush(spool)
        spool.seal_if_due()
        await self._report(spool)

    async def _prepare(self) -> bool:
        """
        Bring sites and salts up to date. Sites whose time zone has no salt are served only once it is there.
        """
        try:
            if await asyncio.to_thread(self._words.refresh):
                self._collector.plain.forget_words()
            revision = await asyncio.to_thread(self._registry.revision)
            now_ms = self._clock.now_ms()
            if revision != self._revision or (self._rezone_ms is not None and now_ms >= self._rezone_ms):
                sites = await asyncio.to_thread(self._registry.sites.all)
                rules = self._rules(sites)
                ahead = [change for site in sites if (change := site.days.next_change(now_ms)) is not None]
                # The zone to come has its salts before its first hit.
                zones = frozenset(site.timezone for site in sites) | {change.after for change in ahead}
                if zones - self._zones:
                    await self._fetch_salts(zones)
                self._collector.install_sites(rules)
                if self._vault is not None:
                    self._vault.install_sites([site.id for site in rules.values() if site.vault])
                self._site_scripts.install(await asyncio.to_thread(self._registry.tracker_scripts.all))
                self._batch.install_keys(await asyncio.to_thread(self._registry.keys.ring))
                await asyncio.to_thread(self._risk.read, self._registry)
                self._zones, self._revision = zones, revision
                self._rezone_ms = min((change.effective_ms for change in ahead), default=None)
            elif self._clock.monotonic_ms() - self._salts_at_ms >= SALT_REFRESH_SECONDS * 1000:
                await self._fetch_salts(self._zones)
        except (SocketAbsent, SocketRefused) as error:
            logger().warning("the keeper gave no salts", reason=str(error))
            return False
        return True

    def _rules(self, sites: list[Site]) -> dict[str, SiteRules]:
        rules: dict[str, SiteRules] = {}
        for site in sites:
            compiled = site_rules(site)
            rules[site.domain] = compiled
            if site.previous_domain:
                rules.setdefault(site.previous_domain, compiled)
        return rules

    async def _fetch_salts(self, zones: frozenset[str]) -> None:
        answer = await asyncio.to_thread(call, self._keeper, "salts", timeout_s=CALL_SECONDS, timezones=sorted(zones))
        self._pseudonymizer.install(
            Salt(
                timezone=row["timezone"],
                day=row["day"],
                start_ms=row["start_ms"],
                end_ms=row["end_ms"],
                expires_ms=row["expires_ms"],
                key=bytes.fromhex(row["key"]),
            )
            for row in answer["salts"]
        )
        self._batch.event_ids.install(day_keys(answer["event_id_keys"]))
        self._risk_ids.install(day_keys(answer["risk_keys"]))
        objected = await asyncio.to_thread(call, self._keeper, "objections", timeout_s=CALL_SECONDS)
        objections = Objections(bytes.fromhex(objected["key"]), map(bytes.fromhex, objected["hashes"]))
        if objections != self._collector.plain.people.objections:
            self._collector.plain.people.install_objections(objections)
            self._risk.door.objections = objections
        self._salts_at_ms = self._clock.monotonic_ms()

    async def _ask(self, operation: str, **arguments: str) -> dict[str, Any] | None:
        try:
            return await asyncio.to_thread(call, self._keeper, operation, timeout_s=CALL_SECONDS, **arguments)
        except (SocketAbsent, SocketRefused):
            return None

    async def _flush(self, spool: SpoolWriter) -> None:
        drops = self._collector.take_drops()
        if drops:
            try:
                spool.append(drops, lambda _: None)
            except Exception as error:  # a full spool loses counts of drops, never an event
                logger().warning("drop counts were lost", reason=type(error).__name__)

    async def _report(self, spool: SpoolWriter) -> None:
        await self._risk.tell_asked()
        counters = self._collector.counters
        # Unheard, it is told again in a second.
        with suppress(SocketAbsent, SocketRefused):
            answer = await asyncio.to_thread(
                call,
                self._keeper,
                "report",
                timeout_s=CALL_SECONDS,
                process=self._name,
                pid=os.getpid(),
                counters={
                    "daysalt_events_accepted": counters.accepted,
                    "daysalt_beacon_bytes": counters.beacon_bytes,
                    **(self._risk.counters() | ({} if self._vault is None else self._vault.counters())),
                },
                dropped=counters.dropped,
                scrubbed=counters.scrubbed,
                gauges={"daysalt_spool_bytes": spool.used_bytes},
            )
            if self._vault is not None:
                self._vault.sink.stop(answer["vault_stopped"])

    async def _health(self, spool: SpoolWriter) -> Health:
        now = self._clock.now_ms()
        waiting = [zone for zone in self._zones if not self._pseudonymizer.ready(zone, now)]
        trouble = spool.trouble
        parts: Parts = {
            "spool": ("degraded", trouble) if trouble else ("ok", ""),
            "salts": ("degraded", f"{len(waiting)} time zones have no salt") if waiting else ("ok", ""),
            "countries": self._place.status(),
            "networks": self._risk.list_status(),
        }
        try:
            answer = await asyncio.to_thread(call, self._keeper, "status", timeout_s=CALL_SECONDS)
            parts.update({name: (state, why) for name, (state, why) in answer["parts"].items()})
        except (SocketAbsent, SocketRefused):
            parts["keeper"] = ("degraded", "the keeper does not answer")
        return Health(ready=not trouble and not waiting, parts=parts)

    async def _metrics(self) -> str:
        try:
            answer = await asyncio.to_thread(call, self._keeper, "metrics", timeout_s=CALL_SECONDS)
        except (SocketAbsent, SocketRefused):
            return ""
        return str(answer["text"])


async def _sweep_forever(lane: type[BeaconLane]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        now = loop.time()
        for connection in list(lane.peers):
            connection.sweep(now)


async def _tell_forever(collector: Collector) -> None:
    while True:
        await asyncio.sleep(HAND_OVER_SECONDS)
        try:
            collector.sightings.hand_over()
        except Exception as error:  # whoever is told must not stop the telling
            logger().error("a hand-over of sightings failed", error=type(error).__name__)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
