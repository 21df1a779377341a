"""
The two cases about salts (EV-267, EV-268), where the salt turns at the site's midnight: collector and drain with a
clock in hand.
"""

from __future__ import annotations

from pathlib import Path

from ingest.address import AddressTrust
from ingest.collect import Collector
from ingest.enrich import EnrichTools
from ingest.event import Event
from ingest.keys.keyring import Keyring
from ingest.keys.salts import SaltCalendar
from ingest.midnight import TABLE_BYTES, OpenVisitTable
from ingest.place import PlaceReader
from ingest.pseudonymize import Pseudonymizer
from ingest.visits import Sessionizer
from tests.clocks import FakeClock
from tests.ingest.collectors import SITE, events_of, send

DAY_S = 86_400


class Collecting:
    """
    A collector that gets its salts from a keeper, as the clock goes.
    """

    def __init__(self, tmp_path: Path, clock: FakeClock) -> None:
        # Half a minute before midnight UTC.
        clock.wall_ms = (clock.wall_ms // 1000 // DAY_S + 1) * DAY_S * 1000 - 30_000
        self.clock = clock
        self._pseudonymizer = Pseudonymizer(OpenVisitTable(bytearray(TABLE_BYTES)))
        self._calendar = SaltCalendar(
            Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock), clock, lambda _: None
        )
        self._collector = Collector(
            clock=clock,
            trust=AddressTrust((), ()),
            tools=EnrichTools(place=PlaceReader(None, clock)),
            pseudonymizer=self._pseudonymizer,
        )
        self._collector.install_sites({SITE.domain: SITE})

    def pageview(self) -> Event:
        self._calendar.destroy_due()
        self._pseudonymizer.install(self._calendar.salts({SITE.timezone}))
        (event,) = events_of(send(self._collector))
        return event


def visit_ids(*events: Event) -> list[object]:
    return list(Sessionizer().process(events, 1).event_columns["visit_id"])


def test_one_rotation_inside_a_visit(tmp_path: Path, clock: FakeClock) -> None:
    """
    EV-267: a visit open at midnight keeps its visitor and goes on.
    """
    collecting = Collecting(tmp_path, clock)
    first = collecting.pageview()
    clock.advance(seconds=60)
    second = collecting.pageview()

    assert first.visitor_id == second.visitor_id
    assert first.day == second.day
    assert 1 == len(set(visit_ids(first, second)))


def test_two_rotations(tmp_path: Path, clock: FakeClock) -> None:
    """
    EV-268: two midnights later it is somebody else, and another visit.
    """
    collecting = Collecting(tmp_path, clock)
    first = collecting.pageview()
    clock.advance(seconds=DAY_S + 60)
    second = collecting.pageview()

    assert first.visitor_id != second.visitor_id
    assert second.day == first.day + 2
    assert 2 == len(set(visit_ids(first, second)))
