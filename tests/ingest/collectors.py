"""
A collector for tests: one site, salts of a throw-away keyring, no country database.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ingest.address import AddressTrust
from ingest.batch import Batch
from ingest.collect import Collected, Collector
from ingest.enrich import EnrichTools, SiteRules
from ingest.event import DropCount, Event
from ingest.keys.event_id_keys import EventIdKeys
from ingest.keys.keyring import Keyring
from ingest.keys.salts import Salt, SaltCalendar
from ingest.midnight import TABLE_BYTES, OpenVisitTable
from ingest.place import PlaceReader
from ingest.pseudonymize import Pseudonymizer
from tests.clocks import FakeClock
from warehouse.registry.api_keys import ApiKey, ApiKeyRing
from warehouse.registry.tokens import token_hash
from warehouse.settings import load_settings

CHROME = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36"
)
ADDRESS = "203.0.113.77"
SITE = SiteRules(id=1, domain="site1.test")
BATCH_KEY = "dsk_aa_secret"
BEACON = {"n": "pageview", "u": "https://site1.test/a", "d": "site1.test"}

_decoder = msgspec.msgpack.Decoder(Event | DropCount)


def make_collector(tmp_path: Path, clock: FakeClock, *sites: SiteRules, salts: bool = True) -> Collector:
    """
    Make a collector for the given sites, by default `SITE`.
    """
    sites = sites or (SITE,)
    pseudonymizer = Pseudonymizer(OpenVisitTable(bytearray(TABLE_BYTES)))
    if salts:
        pseudonymizer.install(salts_of(tmp_path / "keys", clock, *sites))
    settings = load_settings({})
    collector = Collector(
        clock=clock,
        trust=AddressTrust(settings.trusted_proxies, settings.address_headers),
        tools=EnrichTools(place=PlaceReader(None, clock)),
        pseudonymizer=pseudonymizer,
        ip_type_header="x-edge-verdict",
    )
    collector.install_sites({site.domain: site for site in sites})
    return collector


def salts_of(keys: Path, clock: FakeClock, *sites: SiteRules) -> list[Salt]:
    """
    Give the salts of sites' time zones, by default of `SITE`, from the keyring in a directory.
    """
    calendar = SaltCalendar(Keyring(keys, keys / "root.key", clock), clock, lambda _: None)
    return calendar.salts({site.timezone for site in sites or (SITE,)})


def make_batch(
    tmp_path: Path,
    clock: FakeClock,
    collector: Collector,
    *,
    scope: str = "ingest",
    site_id: int | None = None,
    now: Callable[[], float] = lambda: 0.0,
) -> Batch:
    """
    Make the batch endpoint of a collector; `BATCH_KEY` is the one key it believes.

    Args:
        now: seconds by which it gives way; by default no time goes by.
    """
    batch = Batch(collector, clock, now)
    key = ApiKey("aa", scope, site_id, 0, revoked=False)
    batch.install_keys(ApiKeyRing([(key, token_hash(BATCH_KEY.rpartition("_")[2]))]))
    keyring = Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock)
    batch.event_ids.install(EventIdKeys(keyring, SaltCalendar(keyring, clock, lambda _: None)).living())
    return batch


def send(collector: Collector, body: Any = BEACON, *, peer: str = ADDRESS, **headers: str) -> Collected:
    """
    Send one beacon; header names with underscores. A dict is sent as JSON.
    """
    named = {"user_agent": CHROME, **headers}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in named.items()]
    return collector.collect(raw, sent, peer)


def events_of(collected: Collected) -> list[Event]:
    """
    Decode the events of what was collected.
    """
    records = [_decoder.decode(record) for record in collected.records]
    return [record for record in records if isinstance(record, Event)]


def drops_of(collector: Collector) -> list[DropCount]:
    """
    Decode the drops counted so far.
    """
    records = [_decoder.decode(record) for record in collector.take_drops()]
    return [record for record in records if isinstance(record, DropCount)]
