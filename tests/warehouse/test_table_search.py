"""
What the engine holds compressed is searched by asking it.
"""

from __future__ import annotations

from daysalt.checks.traces import needles_of
from warehouse.client import Warehouse
from warehouse.table_search import Hit, query_logs, search_tables

V4, V6 = "203.0.113.77", "2001:db8:aaaa:bbbb::1234"


def test_an_address_in_any_column_is_found(warehouse: Warehouse) -> None:
    """
    In a text, among other bytes, in a property's value, and as a whole number; neighbours are not found, and the
    embedded store has no log of statements.
    """
    forms = needles_of(V4)
    texts = [needle for form, needle in forms.items() if len(needle) > 7 and "decimal" not in form]
    numbers = [needle.decode() for form, needle in forms.items() if "decimal" in form]
    clean = search_tables(warehouse, texts, numbers)
    warehouse.command(
        "INSERT INTO events (site_id, day, ts, visitor_id, visit_id, seq, name, pathname, props, source) VALUES "
        f"(1, '2026-10-01', '2026-10-01 12:00:00', 1, 1, 1, 'pageview', '/from/{V4}/x', map('k', '{V4}'), ''), "
        f"(1, '2026-10-01', '2026-10-01 12:00:00', {int.from_bytes(bytes([203, 0, 113, 77]))}, 1, 1, 'x', "
        "'/203.0.113.7', map('k', '203.0.113.78'), '')"
    )
    found = search_tables(warehouse, texts, numbers)

    assert [] == clean
    assert {Hit("events", "pathname", 1), Hit("events", "props", 1), Hit("events", "visitor_id", 1)} == set(found)
    assert [] == search_tables(warehouse, [V6.encode()], [])
    assert [] == query_logs(warehouse)
