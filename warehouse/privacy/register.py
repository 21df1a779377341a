"""
The register of periods as data: `register.toml`, and what an operator adds in `privacy.toml` in the data directory.

The operator's file may have a table `controller` (name, organisation_number, address, email, phone, dpo), the same by
site under `site."example.com".controller`, and further `[[entry]]` and `[[recipient]]` rows for what else they process.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

REGISTER = Path(__file__).parent / "register.toml"
OPERATOR_FILE = "privacy.toml"
LANGUAGES = ("en", "sv")
CONTROLLER_FIELDS = ("name", "organisation_number", "address", "email", "phone", "dpo")
RECIPIENT_FIELDS = ("name", "service", "country")
WHEN = ("always", "vault", "risk")


class RegisterError(Exception):
    """
    A register cannot be used. The text says which row or field and what to do.
    """


@dataclass(frozen=True, slots=True)
class Texts:
    """
    A row in words of one language.
    """

    title: str
    what: str
    why: str
    start: str


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One row: a purpose for which something is kept of a class of people.

    Attributes: `valid_to` is the day from which another row is in force; None while this one is.
    """

    id: str
    subject: str
    purpose: str
    category: str
    basis: str
    period: str
    anchor: str
    when: Literal["always", "vault", "risk"]
    exceptions: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    texts: Mapping[str, Texts]


@dataclass(frozen=True, slots=True)
class Register:
    """
    All of it, ours and the operator's.
    """

    version: str
    effective_from: date
    entries: tuple[Entry, ...]
    authorities: tuple[Mapping[str, str], ...]
    recipients: tuple[Mapping[str, str], ...]
    controller: Mapping[str, str]
    controllers: Mapping[str, Mapping[str, str]]
    """By domain, over `controller`."""

    def in_force(self, day: date) -> tuple[Entry, ...]:
        """
        Give the rows that hold on a day.
        """
        return tuple(
            entry
            for entry in self.entries
            if entry.valid_from <= day and (entry.valid_to is None or day < entry.valid_to)
        )

    def controller_of(self, domain: str) -> Mapping[str, str]:
        """
        Give who answers for a site; empty when the operator has not said so.
        """
        return {**self.controller, **self.controllers.get(domain, {})}


def load_register(data_dir: Path | None = None) -> Register:
    """
    Read the register, with the operator's file over it when there is one.

    Raises:
        RegisterError: a file has something that is not allowed.
    """
    ours = _ours()
    theirs: dict[str, Any] = {}
    if data_dir is not None and (data_dir / OPERATOR_FILE).exists():
        theirs = _tables(data_dir / OPERATOR_FILE)
    entries = [_entry(row, REGISTER) for row in ours["entry"]]
    entries += [_entry(row, Path(OPERATOR_FILE)) for row in theirs.get("entry", [])]
    ids = [(entry.id, entry.valid_from) for entry in entries]
    if len(set(ids)) != len(ids):
        raise RegisterError("two rows of the register have one id and day: give each its own")
    sites = cast("dict[str, dict[str, Any]]", theirs.get("site", {}))
    return Register(
        version=str(theirs.get("version", ours["version"])),
        effective_from=theirs.get("effective_from", ours["effective_from"]),
        entries=tuple(entries),
        authorities=tuple(_texts(row) for row in theirs.get("authority", ours["authority"])),
        recipients=tuple(_recipient(row) for row in theirs.get("recipient", [])),
        controller=_controller(theirs.get("controller", {})),
        controllers={domain: _controller(site.get("controller", {})) for domain, site in sites.items()},
    )


def period_text(period: str, settings: Mapping[str, int]) -> str:
    """
    Give a row's period as an ISO 8601 duration where it is one.

    Args:
        settings: values of the settings that rows name.

    Returns:
        Such as `P45D`; `P0D` when nothing is kept; `unlimited` for a setting of 0 months; else the rule's words.
    """
    if not period.startswith("setting:"):
        return period
    _, name, unit = period.split(":")
    value = settings[name]
    if unit == "M" and value == 0:
        return "unlimited"
    return f"P{value}{unit}"


@cache
def _ours() -> dict[str, Any]:
    return _tables(REGISTER)


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise RegisterError(f"{path} cannot be read as TOML: {error}") from None


def _entry(row: Mapping[str, Any], path: Path) -> Entry:
    try:
        when = row.get("when", "always")
        if when not in WHEN:
            raise RegisterError(f"when is {when!r} in a row of {path.name}, but must be {', '.join(WHEN)}")
        texts = {language: Texts(**row[language]) for language in LANGUAGES}
        return Entry(
            id=row["id"],
            subject=row["subject"],
            purpose=row["purpose"],
            category=row["category"],
            basis=row["basis"],
            period=row["period"],
            anchor=row["anchor"],
            when=when,
            exceptions=tuple(cast("Iterable[str]", row.get("exceptions", ()))),
            valid_from=row["from"],
            valid_to=row.get("to"),
            texts=texts,
        )
    except (KeyError, TypeError) as error:
        raise RegisterError(f"a row of {path.name} lacks {error}: see docs/privacy.md for what a row has") from None


def _controller(row: Mapping[str, Any]) -> dict[str, str]:
    unknown = sorted(set(row) - set(CONTROLLER_FIELDS))
    if unknown:
        raise RegisterError(
            f"{unknown[0]} in {OPERATOR_FILE} is no field of a controller: use {', '.join(CONTROLLER_FIELDS)}"
        )
    return {name: str(value) for name, value in row.items()}


def _recipient(row: Mapping[str, Any]) -> dict[str, str]:
    if not str(row.get("name", "")).strip():
        raise RegisterError(f"a [[recipient]] of {OPERATOR_FILE} has no name: give it one")
    # Pages ask for all three; what else the operator wrote stays beside them.
    return {**dict.fromkeys(RECIPIENT_FIELDS, ""), **_texts(row)}


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items()}
