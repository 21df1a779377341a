"""
People who ask a heavy question over and over while events come in: filtered, over all days there are, by three
dimensions at once, so that nothing but the rows themselves can answer it.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from loadtests.running import RunningServer

ANSWER_SECONDS_MAX = 60


@dataclass(slots=True)
class Questions:
    """
    So many people, and how long their answers took, in seconds.
    """

    people: int
    seconds: list[float] = field(default_factory=list[float])
    unanswered: int = 0
    """Answers that were no success: a time limit, a store that is starting."""

    @contextmanager
    def asked(self, server: RunningServer) -> Generator[None]:
        """
        Ask for as long as this is open.
        """
        stop = threading.Event()
        threads = [threading.Thread(target=self._ask, args=(server, stop), daemon=True) for _ in range(self.people)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(ANSWER_SECONDS_MAX)

    def __str__(self) -> str:
        if not self.seconds:
            return "nobody asked"
        return (
            f"{len(self.seconds):,} answered, median {statistics.median(self.seconds):.2f} s, "
            f"most {max(self.seconds):.2f} s, {self.unanswered} unanswered"
        )

    def _ask(self, server: RunningServer, stop: threading.Event) -> None:
        today = datetime.now(UTC).date()
        question = {
            "site_id": server.domain,
            "metrics": ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"],
            "date_range": [str(today - timedelta(days=29)), str(today)],
            "dimensions": ["event:page", "visit:source", "visit:browser"],
            "filters": [["contains", "event:page", ["/"]]],
        }
        while not stop.is_set():
            began = time.monotonic()
            try:
                answer = httpx.post(
                    f"http://127.0.0.1:{server.port}/api/v2/query",
                    headers={"authorization": f"Bearer {server.admin_key}"},
                    json=question,
                    timeout=ANSWER_SECONDS_MAX,
                )
            except httpx.HTTPError:
                self.unanswered += 1
                continue
            if answer.is_success:
                self.seconds.append(time.monotonic() - began)
            else:
                self.unanswered += 1
