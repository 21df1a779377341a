"""
Languages: which one a page is written in, its texts, and how it writes numbers and days.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

from babel.core import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LANGUAGES = {"en": "English", "sv": "Svenska"}
"""By code, in their own words; English is the language of the source."""

# Day before month, as most of the world that reads English writes it.
LOCALES = {"en": "en_GB", "sv": "sv_SE"}
TRANSLATIONS_DIR = Path(__file__).parent.parent / "translations"


def chosen_language(wanted: str | None, accept_language: str) -> str:
    """
    Choose a page's language: what was asked for, else the reader's first known one, else English.

    Args:
        wanted: a code, for example from `?lang=`; an unknown one counts as none.
        accept_language: the header as sent, or empty.
    """
    if wanted in LANGUAGES:
        return wanted
    ranked: list[tuple[float, str]] = []
    for part in accept_language.split(",")[:20]:
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        if tag and weight > 0:
            ranked.append((-weight, tag.strip().replace("-", "_")))
    ranked.sort(key=lambda pair: pair[0])
    found = negotiate_locale([tag.split("_")[0].lower() for _, tag in ranked], list(LANGUAGES))
    return found or "en"


@cache
def locale_of(language: str) -> Locale:
    """
    Give the locale that writes a language's numbers, days and country names.
    """
    return Locale.parse(LOCALES[language])


@cache
def translations_of(language: str) -> NullTranslations:
    """
    Read a language's texts. The .po file is compiled in memory: no build step, nothing to forget.
    """
    path = TRANSLATIONS_DIR / language / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as stream:
        catalog = read_po(stream, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)
