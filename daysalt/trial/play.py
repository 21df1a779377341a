"""
Play a script through the real observer, windows and rules, and note what was said of each address, and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from daysalt.trial.actors import Label, Script
from ingest.risk.assess import Assessment, assess
from ingest.risk.evidence import Evidence
from ingest.risk.observer import Observer, identify
from ingest.risk.signals.catalogue import COUNTER_SIGNALS, SIGNALS
from ingest.risk.windows import Windows
from ingest.sightings import SIGHTINGS_FULL, Sighting

ADDRESSES_MAX = 20_000
TOGETHER_MS = 2000
"""Hits of so long are handed over at once; a collector does every quarter of a second, which takes longer to play."""


@dataclass(slots=True)
class Outcome:
    """
    What was said of one address.
    """

    label: Label
    events: int = 0
    called_after: int | None = None
    """Events until it was called automated for the first time; None when it never was."""
    called: Assessment | None = None
    """What was said then."""
    last: Assessment | None = None

    @property
    def found(self) -> bool:
        """
        Tell whether it is known for a program at the end.
        """
        return self.last is not None and self.last.class_ in ("likely_automated", "verified_bot")


class FixedIds:
    """
    Risk ids with a key of the trial.
    """

    def risk_id(self, address: bytes, at_ms: int) -> bytes | None:
        """
        As `ingest.risk_id.RiskIds`.
        """
        return blake2b(address, digest_size=16, key=b"trial").digest()

    def network_id(self, address: bytes, bits: int, at_ms: int) -> bytes | None:
        """
        As `ingest.risk_id.RiskIds`.
        """
        return blake2b(address[: bits // 8], digest_size=16, key=b"trial", person=b"network").digest()


@dataclass(slots=True)
class Played:
    """
    What a played script left.
    """

    outcomes: dict[bytes, Outcome] = field(default_factory=dict[bytes, Outcome])


def play(script: Script, *, left_out: frozenset[str] = frozenset()) -> Played:
    """
    Play a script.

    Args:
        left_out: codes of signals to do without.
    """
    return play_each(script, [left_out])[0]


def play_each(script: Script, left_outs: Sequence[frozenset[str]]) -> list[Played]:
    """
    Play a script once and judge what is seen several times, each time without some signals: what the windows count does
    not depend on them.

    Returns:
        What each left, in the order of `left_outs`.
    """
    ids = FixedIds()
    windows = Windows(script.start_ms, ADDRESSES_MAX)
    judges = [_Judge(script, left_out) for left_out in left_outs]
    packed: list[bytes] = []
    observer = Observer(ids, packed.append)
    script.seen.sort(key=lambda sighting: sighting.at_ms)
    together: list[Sighting] = []
    for sighting in script.seen:
        if together and (len(together) >= SIGHTINGS_FULL or sighting.at_ms - together[0].at_ms > TOGETHER_MS):
            _hand_over(together, observer, packed, windows, script, judges, ids)
        together.append(sighting)
    if together:
        _hand_over(together, observer, packed, windows, script, judges, ids)
    return [judge.played for judge in judges]


class _Judge:
    """
    The rules without some signals, and what came of them.
    """

    def __init__(self, script: Script, left_out: frozenset[str]) -> None:
        self._left_out = left_out
        self._signals = tuple(signal for signal in SIGNALS if signal.code not in left_out)
        self._counters = tuple(signal for signal in COUNTER_SIGNALS if signal.code not in left_out)
        self.played = Played({address: Outcome(label) for address, label in script.labels.items()})

    def judge(self, address: bytes, evidence: Evidence, whole: Assessment) -> None:
        """
        Assess an address.

        Args:
            whole: what all signals say of it.
        """
        outcome = self.played.outcomes[address]
        # What a signal without a finding is left out of is what it was.
        found = self._left_out and not self._left_out.isdisjoint(
            [reason.code for reason in whole.reasons + whole.counter_reasons]
        )
        outcome.last = assess(evidence, self._signals, self._counters) if found else whole
        if outcome.called_after is None and outcome.found:
            outcome.called_after, outcome.called = outcome.events, outcome.last


def _hand_over(
    together: list[Sighting],
    observer: Observer,
    packed: list[bytes],
    windows: Windows,
    script: Script,
    judges: list[_Judge],
    ids: FixedIds,
) -> None:
    now_ms = together[-1].at_ms
    observer.see(together)
    for block in packed:
        windows.add(block)
    packed.clear()
    for judge in judges:
        for sighting in together:
            judge.played.outcomes[sighting.address].events += 1
    for address in dict.fromkeys(sighting.address for sighting in together):
        known = identify(ids, address, now_ms)
        assert known is not None
        evidence = windows.read(known[0], known[1], now_ms, script.facts[address])
        whole = assess(evidence)
        for judge in judges:
            judge.judge(address, evidence, whole)
    together.clear()
