"""
Who sends plain pageviews, as far as it is remembered: addresses and user agents, for the short way of
`ingest/plain_pageviews.py`.

What is remembered is personal (addresses, user agents): in memory only, bounded, never written.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from ingest.address import AddressTrust, address_in, parse_address
from ingest.objections import Objections
from ingest.place import PlaceReader
from ingest.plain_parts import NEVER, plain_agent
from ingest.plain_pieces import PlainAddress, PlainAgent
from ingest.pseudonymize import address_part
from ingest.record_pieces import last_piece, place_piece
from ingest.remembered import Remembered

ADDRESSES_MAX = 32_768
AGENTS_MAX = 5_000
"""Each of the two generations of what is remembered."""
AGENT_BYTES_MAX = 512
ADDRESS_BYTES_MAX = 64
"""What is longer is rare, and not worth the memory."""

Key = TypeVar("Key", bytes, str)


class PlainPeople:
    """
    The addresses and user agents one collector knows.
    """

    def __init__(self, trust: AddressTrust, place: PlaceReader) -> None:
        self._trust = trust
        self._place = place
        self.address_header, *self.other_headers = (name.encode("ascii") for name in trust.headers or ("",))
        """The one header an address is read from here, in lower case, and those that make a beacon not plain."""
        self.forwarded: Remembered[bytes, PlainAddress] = Remembered(ADDRESSES_MAX)
        """By what that header says."""
        self.direct: Remembered[str, PlainAddress] = Remembered(ADDRESSES_MAX)
        """By their text."""
        self.agents: Remembered[bytes, PlainAgent] = Remembered(AGENTS_MAX)
        """By the header's bytes."""
        self.agent_texts: Remembered[str, PlainAgent] = Remembered(AGENTS_MAX)
        """By the text an event of a batch gives."""
        self.objections = Objections()
        self._received_day = self._place_revision = NEVER
        self._last_piece = b""

    def __len__(self) -> int:
        return sum(map(len, (self.forwarded, self.direct, self.agents, self.agent_texts)))

    def install_objections(self, objections: Objections) -> None:
        """
        Send the long way whoever objected, from now on.
        """
        self.objections = objections
        self._forget_addresses()

    def forget(self) -> None:
        """
        Forget everybody, as when a day is over, or the list of robots is another.
        """
        self._forget_addresses()
        self.agents.forget()
        self.agent_texts.forget()

    def begin_second(self, now_ms: int) -> bytes:
        """
        Look whether what is remembered still holds, once a second.

        Returns:
            The last piece of the records of this second.
        """
        received_day = now_ms // 86_400_000
        if received_day != self._received_day:
            self._received_day, self._last_piece = received_day, last_piece(received_day, b"")
        if self._place.revision != self._place_revision:
            # Another list of countries: what was looked up in the old one no longer holds.
            self._place_revision = self._place.revision
            self._forget_addresses()
        return self._last_piece

    def address_forwarded(self, sent: bytes) -> PlainAddress | None:
        """
        Find the address a proxy of ours tells; None when there is none, or its owner objected.
        """
        found = self.forwarded.find(sent)
        if found is not None or len(sent) > ADDRESS_BYTES_MAX:
            return found
        return self._keep(self.forwarded, sent, address_in(self.address_header.decode(), sent, self._trust))

    def address(self, text: str) -> PlainAddress | None:
        """
        Find an address by its text; None when it is none, or its owner objected.
        """
        found = self.direct.find(text)
        if found is not None or len(text) > ADDRESS_BYTES_MAX:
            return found
        return self._keep(self.direct, text, parse_address(text))

    def agent(self, sent: bytes) -> PlainAgent | None:
        """
        Find a user agent by the header's bytes; None for a bot, and for what only checks a snippet.
        """
        found = self.agents.find(sent)
        if found is not None or len(sent) > AGENT_BYTES_MAX:
            return found
        found = plain_agent(sent.decode("latin-1"))
        if found is not None:
            self.agents.keep(sent, found)
        return found

    def agent_named(self, text: str) -> PlainAgent | None:
        """
        Find a user agent by the text an event of a batch gives; None likewise.
        """
        found = self.agent_texts.find(text)
        if found is None and len(text) <= AGENT_BYTES_MAX:
            # As the header of a beacon would have come in, so that both make the same visitor.
            found = self.agent(text.strip().encode("utf-8", "surrogatepass"))
            if found is not None:
                self.agent_texts.keep(text, found)
        return found

    def _forget_addresses(self) -> None:
        # Where it is compiled, an address has the visitor id and the user agent of whoever was last seen there.
        self.forwarded.forget()
        self.direct.forget()

    def _keep(
        self, kept: Remembered[Key, PlainAddress], key: Key, address: IPv4Address | IPv6Address | None
    ) -> PlainAddress | None:
        if address is None or self.objections.holds(address):
            return None
        found = PlainAddress(address.packed, address_part(address), place_piece(self._place.read(address)))
        kept.keep(key, found)
        return found
