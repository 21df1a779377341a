"""
The lists of a first start: fetched in the background, in a process of their own, because building the network list
takes seconds and a hundred megabytes for a while.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence

from warehouse.data_dir import BOTS_FILE, NETWORK_FILE, SOURCES_FILE
from warehouse.log import logger
from warehouse.settings import Settings

COUNTRY, NETWORKS, WORDS = "country", "networks", "words"


async def fetch_missing_lists(settings: Settings, environment: Mapping[str, str]) -> None:
    """
    Fetch the lists that are not there and that no setting names.
    """
    missing: list[str] = []
    if settings.geo_db is None and not (settings.lists_dir / "country.mmdb").exists():
        missing.append(COUNTRY)
    if settings.network_db is None and not (settings.lists_dir / NETWORK_FILE).exists():
        missing.append(NETWORKS)
    if not all((settings.lists_dir / file).exists() for file in (SOURCES_FILE, BOTS_FILE)):
        missing.append(WORDS)
    if not missing:
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "daysalt.child", "lists", *missing, env={**os.environ, **environment}
    )
    try:
        await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise


def fetch_named(settings: Settings, names: Sequence[str]) -> int:
    """
    Fetch these lists; one that cannot be fetched is logged, and the next start tries again.
    """
    from ingest.lists import ListError, fetch_lists
    from ingest.network_lists import fetch_networks
    from ingest.word_lists import fetch_words

    fetchers = {COUNTRY: fetch_lists, NETWORKS: fetch_networks, WORDS: fetch_words}
    for name in names:
        try:
            fetched = fetchers[name](settings.lists_dir, lambda _: None)
        except ListError as error:
            logger().warning(
                f"the {name} list could not be fetched; it is done without until `daysalt data fetch`",
                reason=str(error),
            )
        else:
            logger().info("lists were fetched", lists=len(fetched))
    return 0
