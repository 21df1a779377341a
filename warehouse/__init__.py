"""
What both sides share: clock, settings, site registry, tables, migrations and the warehouse client.

Imports neither `ingest` nor `dashboard`; `tests/test_layout.py` checks it.
"""
