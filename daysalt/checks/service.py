"""
Checks of the service: registry, warehouse, server and lists.
"""

from __future__ import annotations

import httpx
import msgspec

from daysalt.checks.check import Check
from daysalt.commands.registry import open_registry
from daysalt.commands.store import Answer, with_store
from daysalt.own_address import base_url
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.data_dir import DataDirInUse, lock_data_dir
from warehouse.migrate import migration_status
from warehouse.registry.connection import registry_path
from warehouse.settings import Settings

ANSWER_SECONDS_MAX = 5
LIST_DAYS_MAX = 45
"""Networks change hands; the published lists are renewed monthly."""


class _Part(msgspec.Struct):
    status: str
    why: str = ""


class _Readiness(msgspec.Struct):
    status: str
    parts: dict[str, _Part]


def check_registry(settings: Settings) -> Check:
    """
    The registry opens.
    """
    path = registry_path(settings.registry_url)
    if path is not None and not path.exists():
        return Check("registry", "note", f"{path} does not exist yet; the first start makes it")
    with open_registry(settings) as registry:
        sites, people = len(registry.sites.all()), registry.users.count()
    return Check("registry", "well", f"sites: {sites}, people: {people}")


def check_warehouse(settings: Settings) -> Check:
    """
    The warehouse answers and its schema is whole.
    """
    if not settings.data_dir.exists():
        return Check("warehouse", "note", "nothing is stored yet; the first start makes the tables")

    def alone(warehouse: Warehouse) -> Answer:
        return {"migrations": [{"number": row.number, "state": row.state} for row in migration_status(warehouse)]}

    rows: list[dict[str, object]] = with_store(
        settings, alone, "migration_status", timeout_s=ANSWER_SECONDS_MAX
    )["migrations"]  # fmt: skip
    for row in rows:
        if row["state"] == "half applied":
            return Check(
                "warehouse", "unwell", f"migration {row['number']} is half applied: run `daysalt restore` with a backup"
            )
    pending = sum(row["state"] == "pending" for row in rows)
    if pending:
        return Check("warehouse", "note", f"{pending} migrations are pending; the next start applies them")
    return Check("warehouse", "well", f"all {len(rows)} migrations are applied")


def check_server(settings: Settings) -> Check:
    """
    A server that runs says itself that it is well.
    """
    if not _in_use(settings):
        return Check("server", "note", "no server runs on this data directory")
    # The address it listens on, not the public one: what is between the two is not ours to judge.
    address = base_url(settings) if not settings.base_url else f"http://127.0.0.1:{settings.port}"
    try:
        answer = httpx.get(
            f"{address}/health/ready", params={"strict": "1"}, timeout=ANSWER_SECONDS_MAX, trust_env=False
        )
    except httpx.HTTPError as error:
        reason = type(error).__name__
        return Check(
            "server",
            "unwell",
            f"a server has the data directory, but {address} does not answer ({reason}): see its log",
        )
    if answer.is_success:
        return Check("server", "well", f"{address} is ready")
    return Check("server", "unwell", f"{address} answers {answer.status_code}: {_parts(answer)}")


def check_lists(settings: Settings) -> Check:
    """
    The country and network lists are there and not old.
    """
    named = [path for path in (settings.geo_db, settings.network_db) if path is not None]
    for path in named:
        if not path.is_file():
            return Check("lists", "unwell", f"there is no file {path}: correct DAYSALT_GEO_DB or DAYSALT_NETWORK_DB")
    files = named or (sorted(settings.lists_dir.glob("*.mmdb")) if settings.lists_dir.is_dir() else [])
    if not files:
        words = "no country list is there, so countries stay unknown: run `daysalt data fetch`"
        return Check("lists", "unwell" if settings.fetch_lists and settings.data_dir.exists() else "note", words)
    now_ms = SystemClock().now_ms()
    ages = {path.name: int((now_ms - path.stat().st_mtime * 1000) // 86_400_000) for path in files}
    old = [name for name, days in ages.items() if days > LIST_DAYS_MAX]
    if old:
        return Check(
            "lists", "unwell", f"{', '.join(old)} are older than {LIST_DAYS_MAX} days: run `daysalt data fetch`"
        )
    return Check("lists", "well", ", ".join(f"{name}: {days} days old" for name, days in ages.items()))


def _in_use(settings: Settings) -> bool:
    if not settings.data_dir.exists():
        return False
    try:
        lock_data_dir(settings.data_dir).release()
    except DataDirInUse:
        return True
    return False


def _parts(answer: httpx.Response) -> str:
    try:
        report = msgspec.json.decode(answer.content, type=_Readiness)
    except msgspec.DecodeError:
        return "not the answer of Daysalt, so another program has this port"
    return (
        "; ".join(f"{name}: {part.why}" for name, part in report.parts.items() if part.status != "ok") or report.status
    )
