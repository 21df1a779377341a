"""
To whom an address was handed out, and who must be told when its people have it erased or restricted (art. 19 GDPR).

A disclosure remembers its address by the blind indexes it had in the vault: they die with the days' keys, so this file
never tells more, nor for longer, than the vault does. What stays is who got something when, why, and by whose word.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import msgspec

from warehouse.clock import Clock
from warehouse.data_dir import write_private

FILE = "disclosures.json"
DISCLOSURES_MAX = 10_000
RECIPIENT_CHARS_MAX = 100

Subject = tuple[int, int, str]
"""Site id, day and blind index in hexadecimal."""


class DisclosureError(Exception):
    """
    A disclosure or a notice cannot be noted. The text says why and what to do.
    """


class Disclosure(msgspec.Struct, frozen=True):
    """
    One handing out. `subjects` shrinks as the days' keys die.
    """

    id: str
    at_ms: int
    recipient: str
    purpose: str
    ticket: str
    actor: str
    approver: str
    subjects: tuple[Subject, ...]


class Notice(msgspec.Struct, frozen=True):
    """
    What one recipient must be told. `tickets` are those of the disclosures it is about; `told_ms` is 0 until they were.
    """

    id: str
    at_ms: int
    recipient: str
    what: str
    case: str
    tickets: tuple[str, ...]
    told_ms: int = 0


class _File(msgspec.Struct, frozen=True):
    disclosures: tuple[Disclosure, ...] = ()
    notices: tuple[Notice, ...] = ()


class Disclosures:
    """
    The disclosures and notices of one installation.
    """

    def __init__(self, data_dir: Path, clock: Clock, living: Callable[[], Collection[int]]) -> None:
        """
        Args:
            living: gives the days whose keys live; subjects of all others are forgotten.
        """
        self._path = data_dir / FILE
        self._clock = clock
        self._living = living

    def all(self) -> tuple[Disclosure, ...]:
        """
        List the disclosures, the oldest first.

        Raises:
            DisclosureError: the file is damaged.
        """
        return self._read().disclosures

    def notices(self) -> tuple[Notice, ...]:
        """
        List the notices, the oldest first.

        Raises:
            DisclosureError: the file is damaged.
        """
        return self._read().notices

    def of(self, subjects: Iterable[Subject]) -> list[Disclosure]:
        """
        Find the disclosures of an address, by the indexes it has on the living days.
        """
        wanted = set(subjects)
        return [one for one in self.all() if not wanted.isdisjoint(one.subjects)]

    def add(
        self, recipient: str, *, purpose: str, ticket: str, actor: str, approver: str, subjects: Sequence[Subject]
    ) -> Disclosure:
        """
        Note that an address was handed out.

        Raises:
            DisclosureError: there are too many, or the file is damaged.
        """
        known = self._read()
        if len(known.disclosures) >= DISCLOSURES_MAX:
            raise DisclosureError(f"{self._path} holds {DISCLOSURES_MAX} disclosures: move it away to begin a new one")
        made = Disclosure(
            secrets.token_hex(4), self._clock.now_ms(), recipient, purpose, ticket, actor, approver, tuple(subjects)
        )
        self._write(_File((*known.disclosures, made), known.notices))
        return made

    def notify(self, subjects: Iterable[Subject], what: str, case: str) -> list[Notice]:
        """
        Make one notice for each recipient that an address was handed to.

        Args:
            what: `erasure` or `restriction`.
            case: the request's number.

        Returns:
            The notices, in the order of the first disclosures; those of the same case and recipient are not made twice.

        Raises:
            DisclosureError: the file is damaged.
        """
        tickets: dict[str, list[str]] = {}
        for one in self.of(subjects):
            tickets.setdefault(one.recipient, []).append(one.ticket)
        known = self._read()
        waiting = {(notice.recipient, notice.what, notice.case) for notice in known.notices if not notice.told_ms}
        made = [
            Notice(secrets.token_hex(4), self._clock.now_ms(), name, what, case, tuple(dict.fromkeys(found)))
            for name, found in tickets.items()
            if (name, what, case) not in waiting
        ]
        if made:
            self._write(_File(known.disclosures, (*known.notices, *made)))
        return made

    def told(self, notice_id: str) -> Notice:
        """
        Note that a recipient was told.

        Raises:
            DisclosureError: there is no such notice, or the recipient was told before.
        """
        known = self._read()
        for notice in known.notices:
            if notice.id == notice_id:
                if notice.told_ms:
                    raise DisclosureError(f"{notice.recipient} was told already")
                told = msgspec.structs.replace(notice, told_ms=self._clock.now_ms())
                others = tuple(told if other.id == notice_id else other for other in known.notices)
                self._write(_File(known.disclosures, others))
                return told
        raise DisclosureError(f"there is no notice {notice_id[:20]!r}: `daysalt dsar notices` lists them")

    def forget_dead(self) -> None:
        """
        Forget the indexes of days whose keys are gone: they are noise by then, and need not lie about.

        Raises:
            DisclosureError: the file is damaged.
        """
        known = self._read()
        living = set(self._living())
        disclosures = tuple(
            msgspec.structs.replace(one, subjects=tuple(row for row in one.subjects if row[1] in living))
            for one in known.disclosures
        )
        if disclosures != known.disclosures:
            self._write(_File(disclosures, known.notices))

    def _read(self) -> _File:
        return _read(self._path)

    def _write(self, content: _File) -> None:
        write_private(self._path, msgspec.json.encode(content).decode())


def read_notices(data_dir: Path) -> tuple[Notice, ...]:
    """
    List the notices of a data directory, the oldest first.

    Raises:
        DisclosureError: the file is damaged.
    """
    return _read(data_dir / FILE).notices


def _read(path: Path) -> _File:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return _File()
    except msgspec.DecodeError as error:
        raise DisclosureError(f"{path} is damaged ({error}): put it back from a copy of this disk") from error
