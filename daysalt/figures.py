"""
The figures of all processes, gathered in the keeper, so that `/metrics` is one page and counters survive a restarted
process. Names follow Prometheus: base units, counters end in `_total`, no label names a site.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

COUNTERS: Mapping[str, str] = {
    "daysalt_events_accepted": "Events answered with 202 and safe in the spool.",
    "daysalt_beacon_bytes": "Bytes of beacon bodies received.",
    "daysalt_events_flushed": "Events written to the warehouse.",
    "daysalt_batches_flushed": "Batches written to the warehouse.",
    "daysalt_batches_quarantined": "Batches the warehouse refused and that were set aside.",
    "daysalt_vault_hits": "Hits whose address is safe in the vault's lane of the spool.",
    "daysalt_vault_hits_lost": "Hits that the vault did not take: stopped, full, or without a key.",
    "daysalt_vault_rows_flushed": "Rows of the vault written to the warehouse, before they are put together.",
    "daysalt_spool_damage": "Damaged pieces found in the spool.",
    "daysalt_risk_observations": "Hits counted in the risk windows.",
    "daysalt_risk_unseen_hits": "Hits the risk windows did not look at, because too many came in one second.",
    "daysalt_risk_lost_bytes": "Bytes of observations lost while the risk windows were away.",
    "daysalt_risk_checks": "Risk checks answered.",
}
DROPPED = "daysalt_events_dropped"
SCRUBBED = "daysalt_scrubbed"
GAUGES: Mapping[str, str] = {
    "daysalt_spool_bytes": "Size of the spool.",
    "daysalt_drain_lag_seconds": "Age of the oldest event the warehouse does not have yet.",
    "daysalt_vault_oldest_days": "Age of the oldest address in the vault; 0 when it is empty.",
    "daysalt_retention_behind_seconds": "How long the oldest day without a proof of its destruction has been due.",
    "daysalt_retention_proofs": "Records in the chain of proofs.",
    "daysalt_risk_addresses": "Addresses of the present UTC day in the risk windows.",
    "daysalt_process_restarts": "Times a process was started again.",
}


class Figures(Collector):
    """
    What every process last reported, and what those before it had counted.
    """

    def __init__(self) -> None:
        self._finished: dict[str, float] = {}
        self._finished_drops: dict[str, float] = {}
        self._finished_scrubs: dict[str, float] = {}
        self._current: dict[str, tuple[int, dict[str, float], dict[str, float], dict[str, float]]] = {}
        self.gauges: dict[str, float] = dict.fromkeys(GAUGES, 0.0)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def report(
        self,
        process: str,
        pid: int,
        counters: Mapping[str, float],
        dropped: Mapping[str, float],
        gauges: Mapping[str, float],
        scrubbed: Mapping[str, float] | None = None,
    ) -> None:
        """
        Take what a process counted since it started. A new pid under the same name adds to what the old one had.
        """
        before = self._current.get(process)
        if before is not None and before[0] != pid:
            _add(self._finished, before[1])
            _add(self._finished_drops, before[2])
            _add(self._finished_scrubs, before[3])
        self._current[process] = (
            pid,
            {name: value for name, value in counters.items() if name in COUNTERS},
            dict(dropped),
            dict(scrubbed or {}),
        )
        self.gauges.update({name: value for name, value in gauges.items() if name in GAUGES})

    def snapshot(self) -> dict[str, Any]:
        """
        Give everything that was counted, for `resume`.
        """
        finished = [self._finished, self._finished_drops, self._finished_scrubs]
        return {
            "finished": finished,
            "gauges": self.gauges,
            "current": {name: list(told) for name, told in self._current.items()},
        }

    def resume(self, snapshot: Mapping[str, Any]) -> None:
        """
        Go on from what another program had counted.
        """
        self._finished, self._finished_drops, self._finished_scrubs = (dict(part) for part in snapshot["finished"])
        self.gauges.update(snapshot["gauges"])
        self._current = {name: (pid, *parts) for name, (pid, *parts) in snapshot["current"].items()}

    def text(self) -> str:
        """
        Render everything as Prometheus text.
        """
        return generate_latest(self._registry).decode()

    def collect(self) -> Iterable[Metric]:
        """
        Give the metric families; called by prometheus-client.
        """
        totals, drops, scrubs = dict(self._finished), dict(self._finished_drops), dict(self._finished_scrubs)
        for _, counters, dropped, scrubbed in self._current.values():
            _add(totals, counters)
            _add(drops, dropped)
            _add(scrubs, scrubbed)
        for name, meaning in COUNTERS.items():
            yield CounterMetricFamily(name, meaning, value=totals.get(name, 0))
        family = CounterMetricFamily(DROPPED, "Hits not counted, by reason.", labels=["reason"])
        for reason, hits in sorted(drops.items()):
            family.add_metric([reason], hits)
        yield family
        family = CounterMetricFamily(SCRUBBED, "Personal data replaced before writing, by kind.", labels=["kind"])
        for kind, count in sorted(scrubs.items()):
            family.add_metric([kind], count)
        yield family
        for name, meaning in GAUGES.items():
            yield GaugeMetricFamily(name, meaning, value=self.gauges[name])


def _add(totals: dict[str, float], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        totals[name] = totals.get(name, 0) + value
