"""
The page at the end of a load test, as text and as one HTML file that needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from loadtests.graph import Line, by_second, spark, svg
from loadtests.outcome import Sent, Stored
from loadtests.profile import Profile

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "table{border-collapse:collapse}td,th{padding:.2em 1.2em .2em 0;text-align:left;vertical-align:top}"
    "td:last-child{font-variant-numeric:tabular-nums}svg{width:100%}text{font-size:12px}text:not([fill]){fill:#444}"
    ".bad{color:#b00020;font-weight:600}.good{color:#146c2e;font-weight:600}"
)


@dataclass(frozen=True, slots=True)
class Report:
    """
    Everything the page says.
    """

    profile: Profile
    sent: Sent
    stored: Stored
    target: str
    machine: str
    commit: str
    when: str
    seconds: float
    """From the first request to the last answer."""

    @property
    def verdict(self) -> str:
        """
        Say in a sentence whether the server kept its word.
        """
        if self.stored.sound:
            return "Everything accepted is stored, once."
        return (
            f"FAULTY: {self.stored.lost:,} lost, {self.stored.duplicated:,} duplicated, "
            f"{self.stored.uninvited:,} stored uninvited."
        )

    def rows(self) -> list[tuple[str, str]]:
        """
        List the facts in order, each with its name.
        """
        sent, stored = self.sent, self.stored
        events = self.profile.events_in_request
        p50, p95, p99 = sent.percentiles_ms
        compared = "event by event" if stored.exact else "page by page"
        rows = [
            ("offered", f"{sent.offered * events:,} events in {sent.offered:,} requests, {self.seconds:.0f} s"),
            ("accepted", f"{sent.accepted:,} ({sent.accepted / max(self.seconds, 0.001):,.0f} a second)"),
            ("dropped by rule", f"{sent.dropped:,}"),
            ("stored", f"{stored.stored:,}, compared {compared}"),
            ("lost", f"{stored.lost:,}"),
            ("duplicated", f"{stored.duplicated:,}"),
            ("p50 / p95 / p99", f"{p50:g} / {p95:g} / {p99:g} ms, from when a request was due"),
            ("errors", "; ".join(f"{kind}: {count:,}" for kind, count in sorted(sent.errors.items())) or "none"),
        ]
        if stored.unanswered:
            rows.append(("stored, never answered", f"{stored.unanswered:,} (allowed: nothing was promised)"))
        if stored.uninvited:
            rows.append(("stored uninvited", f"{stored.uninvited:,}"))
        return [
            *rows,
            ("target", self.target),
            ("machine", self.machine),
            ("commit", self.commit),
            ("when", self.when),
        ]

    def text(self) -> str:
        """
        Write the page for a terminal.
        """
        rows = self.rows()
        width = max(len(name) for name, _ in rows)
        graphs = [
            ("accepted/s", by_second(self.sent.accepted_by_second)),
            ("p99 ms", by_second(self.sent.p99_by_second)),
            ("errors/s", by_second(self.sent.failed_by_second)),
        ]
        return "\n".join(
            [
                f"{self.profile.name}: {self.profile.about}",
                self.verdict,
                "",
                *(f"  {name:<{width}}  {value}" for name, value in rows),
                "",
                *(
                    f"  {name:<{width}}  {spark(values)} at most {max(values):,.6g}"
                    for name, values in graphs
                    if values
                ),
            ]
        )

    def html(self) -> str:
        """
        Write the page for a browser.
        """
        sent = self.sent
        traffic = [
            Line("offered", "#999999", sent.offered_by_second),
            Line("accepted", "#1f77b4", sent.accepted_by_second),
            Line("errors", "#b00020", sent.failed_by_second),
        ]
        table = "\n".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in self.rows())
        return (
            f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Load test: {escape(self.profile.name)}'
            f"</title>\n<style>{_STYLE}</style>\n<h1>Load test: {escape(self.profile.name)}</h1>\n"
            f"<p>{escape(self.profile.about)}</p>\n"
            f'<p class="{"good" if self.stored.sound else "bad"}">{escape(self.verdict)}</p>\n'
            f"<h2>Traffic</h2>\n{svg(traffic, 'events/s')}\n"
            f"<h2>Latency</h2>\n{svg([Line('p99', '#2ca02c', sent.p99_by_second)], 'ms')}\n"
            f"<h2>Figures</h2>\n<table>\n{table}\n</table>\n</html>\n"
        )
