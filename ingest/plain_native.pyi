"""
Types of `ingest/plain_native.pyx`, which says what each thing is.
"""

from collections.abc import Callable, Collection

from ingest.counters import Counters
from ingest.plain_pageviews import PlainPageviews
from ingest.plain_people import PlainPeople
from ingest.pseudonymize import Pseudonymizer

COMPILED_OF: str

class PlainReader:
    def __init__(
        self,
        plain: PlainPageviews,
        people: PlainPeople,
        pseudonymizer: Pseudonymizer,
        counters: Counters,
        random_bytes: Callable[[int], bytes],
        rare: Collection[bytes],
        sightings_max: int,
    ) -> None: ...
    def install_first_lines(self, first_lines: Collection[bytes]) -> None: ...
    def request(self, data: bytes, peer: str, trusted: bool, now_ms: int) -> bytes | None: ...
    def batch(self, body: bytes) -> PlainEvents | None: ...

class PlainEvents:
    def __len__(self) -> int: ...
    def take(self, first: int, last: int, records: list[bytes], only_site: int | None, received_ms: int) -> int: ...

def looked_at(body: bytes) -> dict[str, object] | None: ...
