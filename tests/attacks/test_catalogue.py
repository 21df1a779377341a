"""
Every attack has a test that carries its number.
"""

from __future__ import annotations

import re
from pathlib import Path

ATTACKS = range(1, 24)
"""Those on identity, keys and retention. The others are named by what they attack."""


def test_every_attack_has_its_test() -> None:
    """
    A function `test_NN_...` for each number, which says what its positive control is.
    """
    found: dict[int, list[str]] = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for number, rest in re.findall(r"^def test_(\d\d)_\w+\(.*?\"\"\"(.*?)\"\"\"", path.read_text(), re.M | re.S):
            found.setdefault(int(number), []).append(rest)

    assert [] == sorted(set(ATTACKS) - found.keys())
    assert [] == [
        number for number, texts in found.items() if number in ATTACKS and not any("control" in text for text in texts)
    ]
