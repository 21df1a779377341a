"""
Hop 3, the shapes of personal data: e-mail addresses, phone numbers, Swedish personal numbers, card numbers, network
addresses, tokens and long identifiers. Pure, in time linear in the text's length.

What has a check digit must pass it, and dates must be dates, so that years, versions, ISBNs, product and order numbers
stay what they are. Every pattern begins where no letter of its own stands before, which keeps it linear.
Sources: Skatteverket SKV 704 (personal and coordination numbers), ISO/IEC 7812 (cards), E.164 and the Swedish
numbering plan (phones), RFC 9562 (uuid), RFC 7519 (JWT).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from ipaddress import ip_address

LONG_NUMBER_DIGITS = 16
TOKEN_LENGTH_MIN = 20
HEX_LENGTH_MIN = 24
ADDRESS_DIGITS_MIN = 8
"""Digits of a dotted quad; fewer are as likely the four numbers of a version."""


class Kind(StrEnum):
    """
    The closed list of what is replaced. The placeholder is the kind in square brackets.
    """

    EMAIL = "email"
    PHONE = "phone"
    PERSONAL_NUMBER = "personal-number"
    CARD = "card"
    IP = "ip"
    TOKEN = "token"  # noqa: S105 - the word, not one
    ID = "id"


PLACEHOLDERS = {kind: f"[{kind.value}]" for kind in Kind}

_Match = re.Match[str]

# A picture for sharp screens (logo@2x.png) and a package's version (vue@3.4) are no addresses.
_EMAIL = re.compile(
    r"(?<![\w.+'%!#$*-])[\w.+'%!#$*-]++@(?!\d(?:\.\d)?x\b)(?!v?\d+\.\d)(?:[\w-]+\.)+(?:xn--[\w-]{2,}|[^\W\d_]{2,})"
)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?")
_UUID = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9a-fA-F])")
_RUN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{20,}")
_HEX = re.compile(r"[0-9a-fA-F]{24,}\Z")
_QUAD = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_COLONS = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{6,45}(?:\.[0-9.]{3,15})?(?![\w:])")
_DIGITS = re.compile(r"(?<!\d)\d(?:[ .-]?\d){13,}(?!\d)")
_GROUP = re.compile(r"\d+")
_PERSONAL = re.compile(r"(?<!\d)(?<!\d\.)(?:18|19|20)?(\d\d(\d\d)(\d\d))[-+\u2010-\u2015\u2212 ]?(\d{4})(?!\d)")
_PHONES = re.compile(
    r"\btel:\+?\d(?:[ ().-]{0,2}\d){4,14}"
    r"|(?<![\w+])\+[1-9](?:[ ().-]{0,2}\d){7,14}(?!\d)"
    r"|(?<![\w.])00[34]\d(?:[ -]?\d){8,11}(?![\d-])"
    r"|(?<![A-Za-z0-9.])(?:46[ -]?|0)7[02369](?:[ -]?\d){7}(?![\dA-Za-z]|-\d)"
    r"|(?<![\w.-])07\d{3} ?\d{3} ?\d{3}(?![\w-])"
    r"|(?<![\w.-])0(?:8|[1-9]\d{1,2})-(?:\d ?){5,7}\d(?![\w-])"
    r"|(?<![\w.-])0[1-9](?:[ .-]\d\d){4}(?![\w]|[.-]\d)"
    r"|(?<![\w.-])\(?[2-9]\d\d\)?[ .-]{1,2}\d{3}[ .-]\d{4}(?![\w]|[.-]\d)",
    re.IGNORECASE,
)
_LONG_NUMBER = re.compile(rf"(?<!\d)(?<!\d\.)\d{{{LONG_NUMBER_DIGITS},}}(?!\d)")
_LOWER_RUNS = re.compile(r"[a-z]+")


def replace_personal(text: str, *, numbers: bool = True) -> tuple[str, list[Kind]]:
    """
    Put a placeholder in the place of everything personal.

    Args:
        text: without percent-encoding and look-alikes; `ingest.scrub` sees to that.
        numbers: long numbers that are no card's are identifiers, too.

    Returns:
        The text, and the kind of each thing replaced, in no order.
    """
    found: list[Kind] = []

    def put(kind: Kind, test: Callable[[str], bool] | None = None) -> Callable[[_Match], str]:
        def placeholder(match: _Match) -> str:
            if test is not None and not test(match[0]):
                return match[0]
            found.append(kind)
            return PLACEHOLDERS[kind]

        return placeholder

    # Tokens before numbers: a number found inside one would leave the rest of it standing.
    if "eyJ" in text:
        text = _JWT.sub(put(Kind.TOKEN), text)
    if "@" in text:
        text = _EMAIL.sub(put(Kind.EMAIL), text)
    text = _UUID.sub(put(Kind.ID), text)
    text = _RUN.sub(put(Kind.TOKEN, _is_token), text)
    text = _QUAD.sub(put(Kind.IP, _is_quad), text)
    if text.count(":") > 1:
        text = _COLONS.sub(put(Kind.IP, _is_ipv6), text)
    text = _DIGITS.sub(lambda match: _without_cards(match[0], found), text)
    text = _PERSONAL.sub(lambda match: _without_person(match, found), text)
    text = _PHONES.sub(put(Kind.PHONE), text)
    if numbers:
        text = _LONG_NUMBER.sub(put(Kind.ID), text)
    return text, found


def luhn(digits: str) -> bool:
    """
    Tell whether the last digit is right for those before it. Source: ISO/IEC 7812-1, annex B.
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _is_token(run: str) -> bool:
    """
    Tell whether a run of letters, digits, `-` and `_` was made by a machine and not by somebody who writes.
    """
    parts = re.split(r"[-_]+", run)
    if any(_is_random(part) for part in parts if len(part) >= TOKEN_LENGTH_MIN):
        return True
    joined = "".join(parts)
    if len(joined) < TOKEN_LENGTH_MIN:
        return False
    # base64url has a dash or underscore every thirty letters; a slug has one every five, an article number every four.
    spread = 6 if joined != joined.lower() and joined != joined.upper() else 10
    return len(joined) >= spread * len(parts) and _is_random(joined)


def _is_random(word: str) -> bool:
    digit_groups = len(_GROUP.findall(word))
    if word.isdigit():
        return False
    if digit_groups and _HEX.match(word):
        return True
    if word == word.lower() or word == word.upper():
        return digit_groups >= 3
    # In words written together (iPhone15ProMax) small letters come in runs, and a capital begins each; at random there
    # are fewer than two small ones at a time, and as many capitals.
    small = _LOWER_RUNS.findall(word)
    letters = len(word) - sum(letter.isdigit() for letter in word)
    mean = sum(map(len, small)) / len(small)
    capitals = 1 - sum(map(len, small)) / letters
    return (digit_groups > 0 and mean <= 2) or (mean <= (3 if digit_groups else 2.2) and capitals >= 0.35)


def _is_quad(text: str) -> bool:
    return sum(letter.isdigit() for letter in text) >= ADDRESS_DIGITS_MIN and _is_address(text)


def _is_ipv6(text: str) -> bool:
    groups = [group for group in text.split(":") if group]
    return len(groups) >= 3 and any(letter.isdigit() for letter in text) and _is_address(text)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _without_cards(cluster: str, found: list[Kind]) -> str:
    """
    Replace the cards in digits that are parted by at most one space, point or dash.
    """
    groups = list(_GROUP.finditer(cluster))
    kept, at, first = "", 0, 0
    while first < len(groups):
        digits, end = "", None
        for group in groups[first : first + 8]:
            digits += group[0]
            if len(digits) > 19:
                break
            if _is_card(digits):
                end = group.end()
        if end is None:
            first += 1
            continue
        kept += cluster[at : groups[first].start()] + PLACEHOLDERS[Kind.CARD]
        found.append(Kind.CARD)
        at = end
        first = next((place for place, group in enumerate(groups) if group.start() >= end), len(groups))
    return kept + cluster[at:]


def _is_card(digits: str) -> bool:
    count, first, two, four = len(digits), digits[0], int(digits[:2]), int(digits[:4] or "0")
    issued = (
        (count in (16, 19) and first == "4")
        or (count == 16 and (51 <= two <= 55 or 2221 <= four <= 2720 or two == 35))
        or (count == 15 and two in (34, 37))
        or (count == 14 and (two in (36, 38, 39) or 3000 <= four <= 3059))
        or (16 <= count <= 19 and (two in (50, 56, 57, 58, 60, 62, 63, 64, 65, 67)))
    )
    return issued and luhn(digits)


def _without_person(match: _Match, found: list[Kind]) -> str:
    birth, month, day, serial = match[1], int(match[2]), int(match[3]), match[4]
    # A coordination number's day is 60 more.
    if not (1 <= month <= 12 and 1 <= (day - 60 if day > 60 else day) <= 31 and luhn(birth + serial)):
        return match[0]
    found.append(Kind.PERSONAL_NUMBER)
    return PLACEHOLDERS[Kind.PERSONAL_NUMBER]
