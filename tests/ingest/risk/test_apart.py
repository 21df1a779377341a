"""
Telling the events of a piece apart: as numpy does it.
"""

from __future__ import annotations

import numpy as np
import pytest

from ingest.risk.apart import apart, changes, least, sums, united


@pytest.mark.parametrize("different", [1, 2, 7, 1000])
def test_values_are_told_apart_as_by_numpy(different: int) -> None:
    """
    Numbers in the order of the values, and where each comes first.
    """
    values = np.random.default_rng(different).integers(0, different, 128).astype(np.uint64)
    _, firsts, of = np.unique(values, return_index=True, return_inverse=True)

    found = apart(values)
    assert [firsts.tolist(), of.tolist()] == [found[0].tolist(), found[1].tolist()]


def test_what_is_of_one_is_put_together() -> None:
    """
    Counts, least values and bits of each number; of one that has none nothing, or the limit.
    """
    of = np.array([0, 2, 0, 2])
    bits = np.array([1, 4, 2, 4], dtype=np.uint64)

    assert [1, 0, 2] == sums(of, np.array([True, True, False, True]), 3).tolist()
    assert [5, 9, 3] == least(np.array([7, 8, 5, 3]), of, 9, 3).tolist()
    assert [3, 0, 4] == united(bits, of, 3).tolist()
    assert [4, 4] == united(bits[1:2].repeat(2), np.array([0, 1]), 2).tolist()
    assert [True, False, True] == changes(np.array([3, 3, 4])).tolist()
    assert [] == changes(np.array([])).tolist()
