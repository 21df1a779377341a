"""
Entry point of the keeper's children: `python -m daysalt.child collector|lists|risk|store ...`. Not for people.
"""

from __future__ import annotations

import sys

from warehouse.log import configure_logging
from warehouse.settings import load_settings


def main(arguments: list[str]) -> int:
    """
    Become one of the children; settings come from the environment, complete.
    """
    role, *rest = arguments
    settings = load_settings()
    configure_logging(settings.log_level, part=role)
    if role == "collector":
        from daysalt.collector import run_collector

        name, listen_fd, table_fd = rest
        return run_collector(settings, name=name, listen_fd=int(listen_fd), table_fd=int(table_fd))
    if role == "lists":
        from daysalt.first_lists import fetch_named

        return fetch_named(settings, rest)
    if role == "risk":
        from daysalt.risk import run_risk

        return run_risk(settings)
    assert role == "store"
    from daysalt.store import run_store

    return run_store(settings, with_drain="drain" in rest, with_dashboard="dashboard" in rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
