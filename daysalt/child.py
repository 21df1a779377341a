"""
Entry point of the keeper and its children:
`python -m daysalt.child keeper|renewed|ready|collector|lists|risk|store|drain ...`. Not for people.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from daysalt.left_out import leave_out

if TYPE_CHECKING:
    from warehouse.settings import Settings


def main(arguments: list[str]) -> int:
    """
    Become one of the processes; settings come from the environment, complete.
    """
    role, *rest = arguments
    # What our dependencies take along where they find it, and never use here.
    leave_out("rich", "pandas", "pyarrow")
    from warehouse.log import configure_logging
    from warehouse.private_memory import keep_memory_private
    from warehouse.settings import load_settings

    keep_memory_private()
    settings = load_settings()
    if role in ("keeper", "drain"):
        return _for_people(settings, role, rest)
    configure_logging(settings.log_level, part="keeper" if role == "renewed" else role)
    if role == "collector":
        from daysalt.collector import run_collector
        from ingest.compiled import advice
        from warehouse.log import logger

        if advice():
            logger().info("reading pageviews is not compiled", reason=advice())
        name, listen_fd, table_fd, *beside = rest
        return run_collector(
            settings, name=name, listen_fd=int(listen_fd), table_fd=int(table_fd), beside_store=bool(beside)
        )
    if role in ("renewed", "ready"):
        from daysalt.serve import run_renewed

        return run_renewed(settings, int(rest[0])) if role == "renewed" else 0
    if role == "lists":
        from daysalt.first_lists import fetch_named

        return fetch_named(settings, rest)
    if role == "risk":
        from daysalt.risk import run_risk

        return run_risk(settings)
    assert role == "store"
    from daysalt.store import run_store

    return run_store(settings, with_drain="drain" in rest, with_dashboard="dashboard" in rest)


def _for_people(settings: Settings, role: str, rest: list[str]) -> int:
    """
    Go on as what a command started: failures end as those of a command do.
    """
    from daysalt import serve
    from daysalt.commands.failures import exit_code, sentence

    try:
        if role == "drain":
            return serve.run_drain(settings, with_dashboard="dashboard" in rest)
        return serve.run_serve(settings) if "serve" in rest else serve.run_collect(settings)
    except Exception as error:  # the edge: whatever it is, a person gets a sentence
        print(f"daysalt: {sentence(error)}", file=sys.stderr)
        return exit_code(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
