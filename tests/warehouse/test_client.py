"""
Promises of the warehouse client, each kept on both kinds of store.
"""

from __future__ import annotations

import socket
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.warehouse.conftest import HttpStore, start_http_store
from warehouse.client import QueryTimeout, Warehouse, WarehouseRefused, WarehouseUnavailable

HOSTILE = [
    "",
    "plain",
    "it's",
    'say "hi"',
    "back\\slash \\' \\n",
    "tab\tline\nreturn\rnul-free",
    "'); DROP TABLE events; --",
    "{name:String}",
    "%s %(x)s $1 ?",
    "emoji 🧂 Å ß 漢字",
    "a" * 3000,
]

DROP = {"site_id": [1], "hour": [3600], "reason": ["bot"], "hits": [2], "batch": [7]}

EVENT: dict[str, object] = {
    "site_id": 4_000_000_000, "day": 20_779, "ts": 1_795_347_000, "visitor_id": 2**64 - 1, "visit_id": 2**63 + 5,
    "seq": 3, "name": "Purchase", "hostname": "shop.test", "pathname": "/tack 🧂", "interactive": 1,
    "scroll_depth": 255, "engagement_ms": 12_345, "props": {"color": "it's \"red\"", "size": "\t"},
    "revenue_amount": Decimal("1234.567"),
    "revenue_currency": "SEK", "referrer": "google.com", "source": "Google", "channel": "Organic Search",
    "utm_source": "a", "utm_medium": "b", "utm_campaign": "c", "utm_content": "d", "utm_term": "e", "click_id": "gclid",
    "country": "SE", "region": "SE-AB", "city": 2_673_730, "browser": "Safari", "browser_version": "26.4", "os": "iOS",
    "os_version": "26.4", "device": "Mobile", "received_day": 20_779, "batch": 2**62 + 1,
}  # fmt: skip

VISIT: dict[str, object] = {
    "site_id": 1, "day": 20_779, "visitor_id": 9, "visit_id": 8, "start": 1_795_347_000, "end": 1_795_347_060,
    "pageviews": 2, "events": 3, "interactions": 1, "entry": (1, "shop.test", "/it's"), "exit": (3, "shop.test", "/ut"),
    **{name: EVENT[name] for name in (
        "referrer", "source", "channel", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term",
        "click_id", "country", "region", "city", "browser", "browser_version", "os", "os_version", "device",
        "received_day",
    )},
}  # fmt: skip

LOCAL = {"ts", "start", "end", "hour"}
DAYS = {"day", "received_day"}


def read_back(store: Warehouse, table: str, row: dict[str, object]) -> dict[str, object]:
    names = ", ".join(f"toUnixTimestamp({name})" if name in LOCAL else name for name in row)
    return dict(zip(row, store.query(f"SELECT {names} FROM {table}")[0], strict=True))


def as_read(row: dict[str, object]) -> dict[str, object]:
    return {name: date.fromordinal(719_163 + int(str(value))) if name in DAYS else value for name, value in row.items()}


@pytest.mark.parametrize("text", HOSTILE)
def test_parameters_are_values(store: Warehouse, text: str) -> None:
    """
    Whatever text is asked with comes back as it was, and nothing of it is executed.
    """
    assert [(text, len(text.encode()))] == store.query("SELECT {text:String}, length({text:String})", {"text": text})


def test_parameters_have_types(store: Warehouse) -> None:
    """
    Numbers, dates and lists of hostile text travel as parameters.
    """
    asked = {"number": 2**64 - 1, "day": date(2026, 11, 22), "list": HOSTILE}
    sql = "SELECT {number:UInt64}, {day:Date}, {list:Array(String)}"

    assert [(2**64 - 1, date(2026, 11, 22), HOSTILE)] == store.query(sql, asked)


def test_an_event_comes_back_as_it_went_in(store: Warehouse) -> None:
    """
    Every column of `events` keeps its value, the largest numbers, the map and the decimal too.
    """
    store.insert("events", {name: [value] for name, value in EVENT.items()}, token="e")

    assert as_read(EVENT) == read_back(store, "events", EVENT)


def test_a_visit_comes_back_as_it_went_in(store: Warehouse) -> None:
    """
    Every column of `visits` keeps its value, the tuples of entry and exit too.
    """
    store.insert("visits", {name: [value] for name, value in VISIT.items()}, token="v")

    assert as_read(VISIT) == read_back(store, "visits", VISIT)


def test_a_drop_count_comes_back_as_it_went_in(store: Warehouse) -> None:
    """
    Every column of `drops` keeps its value.
    """
    store.insert("drops", DROP)

    assert {name: values[0] for name, values in DROP.items()} == read_back(
        store, "drops", {name: values[0] for name, values in DROP.items()}
    )


def test_times_are_read_in_utc(store: Warehouse) -> None:
    """
    A stored second is read as that second UTC, whatever the machine's time zone.
    """
    store.insert("drops", DROP)
    read = store.query("SELECT hour FROM drops")[0][0]

    assert datetime(1970, 1, 1, 1, tzinfo=UTC) == (read if read.tzinfo else read.replace(tzinfo=UTC))


def test_a_token_counts_once(store: Warehouse) -> None:
    """
    The same rows under the same token count once, under another token again, without a token every time.
    """
    counts: list[int] = []
    for token in ("twice", "twice", "other", None, None):
        store.insert("drops", DROP, token=token)
        counts.append(store.query("SELECT count() FROM drops")[0][0])

    assert counts == [1, 1, 2, 3, 4]


def test_many_rows_arrive_whole(store: Warehouse) -> None:
    """
    An insert of many blocks' worth of rows is complete and in columns of equal length.
    """
    rows = 120_000
    columns: dict[str, list[object]] = {name: [*values] * rows for name, values in DROP.items()}
    columns["hits"] = list(range(rows))
    store.insert("drops", columns, token="many")

    assert [(rows, rows * (rows - 1) // 2)] == store.query("SELECT count(), sum(hits) FROM drops")


def test_an_empty_answer_is_an_empty_list(store: Warehouse) -> None:
    """
    No rows is no error.
    """
    assert store.query("SELECT * FROM events") == []


def test_a_wrong_question_is_refused(store: Warehouse) -> None:
    """
    What can never be answered is `WarehouseRefused`, on one line.
    """
    with pytest.raises(WarehouseRefused, match="nope") as caught:
        store.query("SELECT nope FROM events")
    assert "\n" not in str(caught.value)


def test_wrong_rows_are_refused(store: Warehouse) -> None:
    """
    Rows for a column that does not exist are `WarehouseRefused`.
    """
    with pytest.raises(WarehouseRefused):
        store.insert("drops", {**DROP, "nope": [1]})


def test_a_long_question_times_out(store: Warehouse) -> None:
    """
    The time limit of a question is the engine's, and says so.
    """
    with pytest.raises(QueryTimeout):
        store.query(
            "SELECT sleepEachRow(0.5) FROM numbers(10)", settings={"max_execution_time": 0.7, "max_block_size": 1}
        )


def test_a_question_over_memory_may_be_asked_again(store: Warehouse) -> None:
    """
    Out of memory is `WarehouseUnavailable`: later there may be more.
    """
    with pytest.raises(WarehouseUnavailable):
        store.query("SELECT groupArray(number) FROM numbers(10000000)", settings={"max_memory_usage": 5_000_000})


def test_settings_of_one_question_end_with_it(store: Warehouse) -> None:
    """
    A limit given to one question does not stay for the next.
    """
    asked = "SELECT value FROM system.settings WHERE name = 'max_result_rows'"
    before = store.query(asked)
    store.query("SELECT 1", settings={"max_result_rows": 77})

    assert before == store.query(asked)


def test_nobody_listening_is_unavailable() -> None:
    """
    A server that is not there is `WarehouseUnavailable`, and the password is not in the sentence.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        warehouse = Warehouse(f"clickhouse://default:secret-word@127.0.0.1:{taken.getsockname()[1]}/default")

        with pytest.raises(WarehouseUnavailable) as caught:
            warehouse.query("SELECT 1")
    assert "secret-word" not in str(caught.value)


def test_a_wrong_password_is_refused(http_store: HttpStore) -> None:
    """
    A server that does not let us in is `WarehouseRefused`: asking again will not help.
    """
    with pytest.raises(WarehouseRefused):
        Warehouse(f"clickhouse://default:wrong@127.0.0.1:{http_store.port}/default").query("SELECT 1")


def test_a_server_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    """
    While it is away inserts are `WarehouseUnavailable`; when it is back the same client goes on, and the repeat of the
    insert that may have been written counts once.
    """
    first = start_http_store(tmp_path)
    warehouse = Warehouse(first.url)
    warehouse.command(
        "CREATE TABLE drops (site_id UInt32, hour DateTime('UTC'), reason LowCardinality(String), hits UInt64, "
        "batch UInt64) ENGINE = MergeTree ORDER BY hour SETTINGS non_replicated_deduplication_window = 100"
    )
    warehouse.insert("drops", DROP, token="once")
    first.stop()
    with pytest.raises(WarehouseUnavailable):
        warehouse.insert("drops", DROP, token="once")
    warehouse.close()
    again = start_http_store(tmp_path)
    warehouse = Warehouse(again.url)
    warehouse.insert("drops", DROP, token="once")
    stored = warehouse.query("SELECT count() FROM drops")
    warehouse.close()
    again.stop()

    assert stored == [(1,)]
