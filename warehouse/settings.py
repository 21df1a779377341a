"""
The one table of settings: name, type, default, unit and meaning.

`daysalt settings`, `docs/operations.md` and the check at start-up all read it, so none of them can disagree.
Values come from the environment, then from `daysalt.toml` (in the working directory, or named by
`DAYSALT_CONFIG`), then from the default. An unknown or invalid setting stops the start.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import cast

from warehouse import setting_values as take

PREFIX = "DAYSALT_"
IP_RETENTION_DAYS_MAX = 45


class SettingsError(Exception):
    """
    A setting that cannot be used. The text names the setting, the value and what is allowed.
    """


@dataclass(frozen=True, slots=True)
class Setting:
    """
    One row of the table.
    """

    name: str
    kind: str
    default: str
    unit: str
    meaning: str
    parse: Callable[[str], object]
    secret: bool = False
    """Shown as dots by `daysalt settings`."""

    @property
    def field(self) -> str:
        return self.name.removeprefix(PREFIX).lower()


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "DAYSALT_DATA_DIR", "path", "data", "", "Where events, the registry and the embedded store live.", take.path
    ),
    Setting("DAYSALT_HOST", "text", "127.0.0.1", "", "Address the public port is opened on.", take.host),
    Setting("DAYSALT_PORT", "number", "8000", "port", "The one public port.", take.whole(1, 65535)),
    Setting("DAYSALT_WORKERS", "number", "1", "processes", "Collector processes.", take.whole(1, 64)),
    Setting(
        "DAYSALT_BASE_URL", "url", "", "",
        "Public address, with base path if any; snippets, links, cookies and origin checks follow it. "
        "Empty: taken from the request's Host.", take.base_url,
    ),
    Setting(
        "DAYSALT_WAREHOUSE_URL", "url", "", "",
        "chdb:///path for the embedded store (empty: inside the data directory) or "
        "clickhouse://user:password@host:8123/database.", take.warehouse_url, secret=True,
    ),
    Setting(
        "DAYSALT_REGISTRY_URL", "url", "", "",
        "SQLAlchemy address of the registry of sites, users and keys (empty: SQLite in the data directory; "
        "postgresql+pg8000://user:password@host/database for many machines).", take.anything, secret=True,
    ),
    Setting(
        "DAYSALT_KEYS_DIR", "path", "", "",
        "Where salts and keys live; empty: beside the data directory, with -keys added to its name. "
        "Never inside the data directory, never in a backup.", take.optional_path,
    ),
    Setting(
        "DAYSALT_ROOT_KEY_FILE", "path", "", "",
        "File with the 32-byte root key as hex; empty: root.key in the keys directory, made on first start.",
        take.optional_path,
    ),
    Setting(
        "DAYSALT_TRUSTED_PROXIES", "networks", "127.0.0.0/8,::1/128", "CIDR",
        "Proxies whose address headers are believed.", take.networks,
    ),
    Setting(
        "DAYSALT_ADDRESS_HEADERS", "names", "X-Forwarded-For, Forwarded", "",
        "Headers, in order, that a trusted proxy puts the client address in.", take.header_names,
    ),
    Setting(
        "DAYSALT_IP_TYPE_HEADER", "name", "", "",
        "Header in which a trusted edge gives its verdict on the address; empty: none.",
        take.optional_header_name,
    ),
    Setting(
        "DAYSALT_ADMIN_KEY", "text", "", "",
        "An API key with scope all that exists from the first start, at least 16 characters; empty: none.",
        take.admin_key, secret=True,
    ),
    Setting(
        "DAYSALT_IP_RETENTION_DAYS", "number", "45", "days",
        "How long an encrypted address is kept for fraud and risk work.", take.whole(0, IP_RETENTION_DAYS_MAX),
    ),
    Setting(
        "DAYSALT_VAULT_IPV6", "choice", "whole", "", "What the vault keeps of an IPv6 address: whole, or its /64.",
        take.choice("whole", "64"),
    ),
    Setting(
        "DAYSALT_EVENT_RETENTION_MONTHS", "number", "25", "months",
        "How long event rows are kept, counted from the day a row was received; 0 keeps them.", take.whole(0, 1200),
    ),
    Setting(
        "DAYSALT_DURABILITY", "choice", "fsync", "",
        "What a 202 waits for: fsync survives power loss, os survives a killed process.", take.choice("fsync", "os"),
    ),
    Setting(
        "DAYSALT_SPOOL_MAX_BYTES", "number", str(4 * 1024**3), "bytes",
        "Size at which the spool refuses beacons with 503.", take.whole(1024**2, 1024**5),
    ),
    Setting(
        "DAYSALT_GEO_DB", "path", "", "",
        "Country database (mmdb, GeoLite shape or flat country_code); empty: the fetched list in the data directory.",
        take.optional_path,
    ),
    Setting(
        "DAYSALT_NETWORK_DB", "path", "", "",
        "Network database (mmdb); empty: the fetched list in the data directory.", take.optional_path,
    ),
    Setting(
        "DAYSALT_FETCH_LISTS", "switch", "1", "",
        "Fetch country and network lists in the background on first start.", take.switch,
    ),
    Setting(
        "DAYSALT_LOG_LEVEL", "choice", "info", "", "How much is logged.",
        take.choice("debug", "info", "warning", "error"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """
    The settings of this start, parsed once. Field names are the setting names without the prefix, in lower case.
    """

    data_dir: Path
    host: str
    port: int
    workers: int
    base_url: str
    warehouse_url: str
    registry_url: str
    keys_dir: Path
    root_key_file: Path
    trusted_proxies: take.Networks
    address_headers: tuple[str, ...]
    ip_type_header: str
    admin_key: str
    ip_retention_days: int
    vault_ipv6: str
    event_retention_months: int
    durability: str
    spool_max_bytes: int
    geo_db: Path | None
    network_db: Path | None
    fetch_lists: bool
    log_level: str
    origins: Mapping[str, str]
    """Setting name -> where its value came from: `environment`, `daysalt.toml`, `command line` or `default`."""

    @property
    def spool_dir(self) -> Path:
        return self.data_dir / "spool"

    @property
    def lists_dir(self) -> Path:
        return self.data_dir / "lists"


def load_settings(environment: Mapping[str, str] | None = None, overrides: Mapping[str, str] | None = None) -> Settings:
    """
    Read every setting once.

    Args:
        environment: variables; the process's own when None.
        overrides: command line values by setting name, which win over everything.

    Raises:
        SettingsError: an unknown or invalid setting. Show it and stop.
    """
    environment = os.environ if environment is None else environment
    overrides = overrides or {}
    from_file = _read_file(environment)
    known = {setting.name for setting in SETTINGS}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known and name != "DAYSALT_CONFIG":
            raise SettingsError(f"{name} is not a setting of Daysalt; `daysalt settings` lists them all")
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        if setting.name in overrides:
            text, origin = overrides[setting.name], "command line"
        elif setting.name in environment:
            text, origin = environment[setting.name], "environment"
        elif setting.name in from_file:
            text, origin = from_file[setting.name], "daysalt.toml"
        else:
            text, origin = setting.default, "default"
        try:
            values[setting.field] = setting.parse(text.strip())
        except ValueError as error:
            shown = "(hidden)" if setting.secret else repr(text)
            raise SettingsError(f"{setting.name} is {shown}, but must be {error}") from None
        origins[setting.name] = origin
    data_dir = values["data_dir"]
    assert isinstance(data_dir, Path)
    keys_dir = values["keys_dir"] or data_dir.with_name(data_dir.name + "-keys")
    assert isinstance(keys_dir, Path)
    # Where they really lie, over `..` and links.
    if data_dir.resolve() in (keys_dir.resolve(), *keys_dir.resolve().parents):
        raise SettingsError(
            f"DAYSALT_KEYS_DIR is {str(keys_dir)!r}, but must lie outside the data directory, "
            "so that no backup holds keys"
        )
    values["keys_dir"] = keys_dir
    values["root_key_file"] = values["root_key_file"] or keys_dir / "root.key"
    values["warehouse_url"] = values["warehouse_url"] or f"chdb://{data_dir / 'warehouse'}"
    values["registry_url"] = values["registry_url"] or f"sqlite:///{data_dir / 'registry.sqlite'}"
    assert {field.name for field in fields(Settings)} == {*values, "origins"}
    return Settings(**values, origins=origins)  # type: ignore[arg-type]  # each parser returns its field's type


def _read_file(environment: Mapping[str, str]) -> dict[str, str]:
    named = environment.get("DAYSALT_CONFIG")
    path = Path(named) if named else Path("daysalt.toml")
    if not path.exists():
        if named:
            raise SettingsError(f"DAYSALT_CONFIG is {named!r}, but there is no such file")
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{path} cannot be read as TOML: {error}") from None
    known = {setting.field: setting.name for setting in SETTINGS}
    found: dict[str, str] = {}
    for key, value in table.items():
        name = known.get(key.lower().removeprefix(PREFIX.lower()))
        if name is None:
            raise SettingsError(f"{key} in {path} is not a setting of Daysalt; `daysalt settings` lists them all")
        if isinstance(value, bool):
            found[name] = "1" if value else "0"
        elif isinstance(value, (str, int)):
            found[name] = str(value)
        elif isinstance(value, list) and all(isinstance(item, str) for item in cast("list[object]", value)):
            found[name] = ",".join(cast("list[str]", value))
        else:
            raise SettingsError(f"{key} in {path} must be a text, a whole number, true, false or a list of texts")
    return found
