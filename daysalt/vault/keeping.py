"""
The keeper's part of the vault: who gets keys, and when nobody does.
"""

from __future__ import annotations

from collections.abc import Callable

from ingest.keys.keys_directory import KeyringError
from ingest.keys.salts import SaltCalendar
from ingest.keys.vault_keys import SITES_MAX, VaultKeys
from warehouse.local_socket import Fields, Operation, SocketRefused

OFF = "DAYSALT_IP_RETENTION_DAYS is 0"
LEAPT = "the clock leapt ahead by more than 48 hours: the vault waits until `daysalt retention run` confirms it"


class VaultKeeping:
    """
    Whether the vault takes rows, and its keys.
    """

    def __init__(
        self, keys: VaultKeys, calendar: SaltCalendar, *, retention_days: int, behind: Callable[[], str] = lambda: ""
    ) -> None:
        """
        Args:
            behind: says why nothing may be written because destruction is late; an empty text when it is not.
        """
        self.keys = keys
        self._calendar = calendar
        self._retention_days = retention_days
        self._behind = behind
        self._trouble = ""

    @property
    def stopped(self) -> str:
        """
        Why no row is taken now; empty when rows are taken.
        """
        if self._retention_days == 0:
            return OFF
        if self._calendar.paused:
            return LEAPT
        return self._behind()

    @property
    def closed(self) -> str:
        """
        Why nothing may be read now; empty when it may.
        """
        return LEAPT if self._calendar.paused else ""

    def operations(self) -> dict[str, Operation]:
        """
        Give the operations of `keeper.sock` that collectors use.
        """
        return {"vault_keys": self._give_keys}

    def part(self) -> tuple[str, str]:
        """
        Tell how the vault is, for `/health/ready`: off is well.
        """
        why = self.stopped or self._trouble
        return ("degraded", f"{why}; no address is kept meanwhile") if why and why != OFF else ("ok", "")

    def oldest_days(self) -> int:
        """
        Tell the age of the oldest day with an address, for `daysalt_vault_oldest_days`.
        """
        return self.keys.oldest_days()

    async def _give_keys(self, wanted: list[list[int]]) -> Fields:
        if len(wanted) > SITES_MAX:
            raise SocketRefused("more sites than there can be")
        if self.stopped:
            return {"keys": [None for _ in wanted], "stopped": self.stopped}
        try:
            keys = self.keys.make([(int(site_id), int(day)) for site_id, day in wanted])
        except KeyringError as error:
            # The collector keeps what it has in memory, within its bounds, and asks again.
            self._trouble = str(error)
            raise SocketRefused(self._trouble) from error
        self._trouble = ""
        return {"keys": [None if key is None else key.hex() for key in keys], "stopped": ""}
