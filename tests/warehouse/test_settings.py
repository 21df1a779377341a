"""
Settings that cannot be used are refused with name, value and what is allowed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.settings import SettingsError, load_settings


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("DAYSALT_HOST", "", "an address of this machine"),
        ("DAYSALT_HOST", "[::1]", "an address of this machine"),
        ("DAYSALT_PORT", "0", "from 1 to 65535"),
        ("DAYSALT_BASE_URL", "https://example.com:99999", "https://example.com/stats"),
        ("DAYSALT_BASE_URL", "http://[::1", "https://example.com/stats"),
        ("DAYSALT_BASE_URL", "https://exa mple.com", "https://example.com/stats"),
        ("DAYSALT_BASE_URL", 'https://example.com/"onload=', "https://example.com/stats"),
        ("DAYSALT_BASE_URL", "https://me:word@example.com", "https://example.com/stats"),
        ("DAYSALT_TRUSTED_PROXIES", "*", "networks such as 10.0.0.0/8"),
        ("DAYSALT_TRUSTED_PROXIES", "0.0.0.0/1, 128.0.0.0/1", "the whole internet is refused"),
        ("DAYSALT_IP_TYPE_HEADER", ",", "the name of one header"),
        ("DAYSALT_IP_TYPE_HEADER", "X-One, X-Two", "the name of one header"),
        ("DAYSALT_IP_RETENTION_DAYS", "46", "from 0 to 45"),
    ],
)
def test_refusals_name_setting_value_and_what_is_allowed(name: str, value: str, allowed: str) -> None:
    """
    Each is one sentence with all three.
    """
    with pytest.raises(SettingsError) as refusal:
        load_settings({name: value, "DAYSALT_CONFIG": "/dev/null"})

    assert f"{name} is {value!r}, but must be " in str(refusal.value)
    assert allowed in str(refusal.value)


@pytest.mark.parametrize("way", ["inside/keys", "../data/keys", "../link/keys", "../link"])
def test_keys_do_not_lie_in_the_data_directory_by_any_way(tmp_path: Path, way: str) -> None:
    """
    Dots and links lead into it as well.
    """
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    settings = {"DAYSALT_DATA_DIR": str(tmp_path / "data"), "DAYSALT_CONFIG": "/dev/null"}

    with pytest.raises(SettingsError, match="must lie outside the data directory"):
        load_settings({**settings, "DAYSALT_KEYS_DIR": str(tmp_path / "data" / way)})
    assert tmp_path / "data-keys" == load_settings(settings).keys_dir
