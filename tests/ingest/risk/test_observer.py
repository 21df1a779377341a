"""
The observer: what of a sighting leaves the collector, and what does not.
"""

from __future__ import annotations

from daysalt.trial.play import FixedIds
from ingest.hit import DropReason
from ingest.risk.observation import RECORD
from ingest.risk.observer import HITS_A_SECOND_MAX, HITS_OF_A_STORM_MAX, STORM_HITS_A_SECOND, Observer
from ingest.sightings import SIGHTINGS_FULL
from tests.ingest.risk.sights import ADDRESS, CHROME, NOON, packed, sight


class NoKeys:
    """
    Identities before the keeper gave the day's key.
    """

    def risk_id(self, address: bytes, at_ms: int) -> bytes | None:
        return None

    def network_id(self, address: bytes, bits: int, at_ms: int) -> bytes | None:
        return None


def test_an_observation_holds_nothing_personal_in_clear() -> None:
    """
    Neither address nor user agent nor page is in what is sent.
    """
    sent = packed(sight(page="/secret-page"))

    assert RECORD.size == len(sent)
    assert not any(text in sent for text in (ADDRESS, CHROME.encode()[:20], b"secret-page"))


def test_sites_that_switched_risk_off_are_not_seen() -> None:
    """
    Nothing is sent of a hit for a site whose switch is off.
    """
    sent: list[bytes] = []
    observer = Observer(FixedIds(), sent.append)
    observer.switch_off(frozenset({1}))
    observer.see([sight(), sight(site=2)])

    assert RECORD.size == len(b"".join(sent))


def test_without_a_key_nothing_is_sent() -> None:
    """
    Before the day's key is there nothing is observed: nothing is ever hashed without one.
    """
    sent: list[bytes] = []
    Observer(NoKeys(), sent.append).see([sight()])

    assert [] == sent


def test_dropped_hits_are_seen_and_verification_is_not() -> None:
    """
    A drop changes nothing about what the address did; the check of the snippet is our own.
    """
    assert RECORD.size == len(packed(sight(reason=DropReason.BOT)))
    assert b"" == packed(sight(reason=DropReason.VERIFICATION))


def test_headers_are_looked_at_in_a_sample_when_there_are_many() -> None:
    """
    Every hit is counted; of a full hand-over a fourth is looked at.
    """
    from ingest.risk.windows import Windows
    from tests.ingest.risk.sights import evidence_of

    windows = Windows(NOON - 1, 10_000)
    windows.add(packed(*[sight(NOON + number) for number in range(SIGHTINGS_FULL)]))

    evidence = evidence_of(windows, now_ms=NOON + 1000)
    assert (SIGHTINGS_FULL, SIGHTINGS_FULL // 4) == (evidence.total, evidence.looked)


def test_a_flood_is_looked_at_in_part() -> None:
    """
    Of one second only so many hits are looked at; the next begins anew.
    """
    sent: list[bytes] = []
    observer = Observer(FixedIds(), sent.append)
    for _ in range(HITS_A_SECOND_MAX // SIGHTINGS_FULL + 3):
        observer.see([sight()] * SIGHTINGS_FULL)
    observer.see([sight(at_ms=NOON + 1000)])

    assert HITS_A_SECOND_MAX // SIGHTINGS_FULL * SIGHTINGS_FULL + 1 == looked_at(sent)
    assert observer.unseen > 0


def test_a_flood_of_batches_side_by_side_is_looked_at_in_part() -> None:
    """
    Requests answered in turns bring their moments to and fro; no time is counted twice for it, at no turn of a second.
    """
    sent: list[bytes] = []
    observer = Observer(FixedIds(), sent.append)
    for number in range(HITS_A_SECOND_MAX // SIGHTINGS_FULL * 4):
        observer.see([sight(at_ms=NOON + 999 + number % 2 * 20)] * SIGHTINGS_FULL)

    assert looked_at(sent) <= HITS_A_SECOND_MAX + SIGHTINGS_FULL


def test_a_clock_set_back_is_believed() -> None:
    """
    After a whole minute backwards hits are looked at as before.
    """
    sent: list[bytes] = []
    observer = Observer(FixedIds(), sent.append)
    for second in range(20):
        observer.see([sight(at_ms=NOON - 60_000 * (second > 9) + second * 1000)] * SIGHTINGS_FULL)

    assert looked_at(sent) == 20 * SIGHTINGS_FULL


def test_of_a_storm_fewer_are_looked_at_until_a_second_after_it() -> None:
    """
    A second of a storm shortens the share of the next one; the second after a quiet one has all of it again.
    """
    sent: list[bytes] = []
    observer = Observer(FixedIds(), sent.append)
    seen: list[int] = []
    storm = STORM_HITS_A_SECOND + 1
    for second, hits in enumerate((storm, storm, storm, 1000, storm)):
        before = looked_at(sent)
        for number in range(hits):
            observer.see([sight(at_ms=NOON + second * 1000 + number * 1000 // hits)])
        seen.append(looked_at(sent) - before)

    assert HITS_A_SECOND_MAX < seen[0]
    # What was saved up is used first.
    assert HITS_OF_A_STORM_MAX < seen[1] < 2 * HITS_OF_A_STORM_MAX
    assert [HITS_OF_A_STORM_MAX, 1000] == [round(seen[2], -2), seen[3]]
    assert HITS_A_SECOND_MAX < seen[4]


def looked_at(sent: list[bytes]) -> int:
    return sum(len(frame) for frame in sent) // RECORD.size
