"""
What is remembered of beacons for the short way of `ingest/plain_pageviews.py`: sites, addresses, user agents.
Pages are in `ingest/plain_pages.py`.

Addresses and user agents are personal: in memory only, bounded by whoever keeps them, never printed or written.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from ingest.agent import read_agent
from ingest.enrich import VERIFICATION_AGENT, SiteRules
from ingest.plain_pieces import PlainAgent, SiteFields
from ingest.pseudonymize import Pseudonymizer, agent_part, site_part
from ingest.record_pieces import agent_piece, head_piece

NEVER = -1
NOBODY = IPv4Address("0.0.0.0")  # noqa: S104 - not a bind: stands for "any address" where the address does not matter


class PlainSite(SiteFields):
    """
    A site, and the head of its records of the present second.
    """

    __slots__ = ("_heads", "_heads_second")

    def __init__(self, rules: SiteRules) -> None:
        self.id, self.rules = rules.id, rules
        self.part = site_part(rules.id)
        self.second = self.day = self.salts = self.salt = self._heads_second = NEVER
        self._heads: dict[int, bytes] = {}
        self.head = b""
        self.keyed = None

    def begin(self, pseudonymizer: Pseudonymizer, at_ms: int) -> bool:
        """
        Prepare head and hash for the second of a moment; False when its salt is not the only one to ask.
        """
        # The number first: what changes while we ask makes us ask again.
        salts = pseudonymizer.revision
        salt = pseudonymizer.quiet(self.rules.timezone, at_ms)
        if salt is None:
            return False
        second = at_ms // 1000
        if second != self.second or salt.day != self.day:
            self.head = head_piece(self.rules.id, salt.day, second)
        self.second, self.day, self.keyed, self.salts, self.salt = second, salt.day, salt.keyed, salts, salt.number
        return True

    def head_of(self, day: int, second: int) -> bytes:
        """
        Give the head of a record near midnight, when some visitors are of the day before.
        """
        if second != self._heads_second:
            self._heads_second, self._heads = second, {}
        head = self._heads.get(day)
        if head is None:
            head = self._heads[day] = head_piece(self.rules.id, day, second)
        return head


def plain_agent(text: str) -> PlainAgent | None:
    """
    Work out what a user agent says; None for a bot, and for what only checks a snippet.
    """
    agent = read_agent(text)
    if agent.bot or text.startswith(VERIFICATION_AGENT):
        return None
    return PlainAgent(text, agent_part(text), agent_piece(agent))
