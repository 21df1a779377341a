"""
The registry as a whole: opening it brings its schema up to date; its parts are attributes.

It is opened by the server's processes and by commands, at the same time. It holds no salt, no address of a visitor
and nothing that could be joined to one.
"""

from __future__ import annotations

from warehouse.clock import Clock
from warehouse.registry.annotations import Annotations
from warehouse.registry.api_keys import ApiKeys
from warehouse.registry.connection import RegistryConnection
from warehouse.registry.funnels import Funnels
from warehouse.registry.goals import Goals
from warehouse.registry.noise_keys import NoiseKeys
from warehouse.registry.properties import Properties
from warehouse.registry.schema_steps import apply_steps
from warehouse.registry.second_factors import SecondFactors
from warehouse.registry.segments import Segments
from warehouse.registry.shared_links import SharedLinks
from warehouse.registry.sign_ins import SignIns
from warehouse.registry.sites import Sites
from warehouse.registry.tracker_scripts import TrackerScripts
from warehouse.registry.users import Users


class Registry:
    """
    An open registry. One per process; its methods may be called from any thread.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        """
        Args:
            url: `sqlite:////absolute/path` or `postgresql+pg8000://user:password@host/database`.

        Raises:
            RegistryError: the address is of another kind, or a newer version made it.
            RegistryUnavailable: it cannot be opened or reached.
        """
        self._connection = RegistryConnection(url)
        try:
            apply_steps(self._connection, clock)
        except BaseException:
            self._connection.close()
            raise
        self.path = self._connection.path
        """The file, when it is SQLite."""
        self.sites = Sites(self._connection, clock)
        self.tracker_scripts = TrackerScripts(self._connection)
        self.noise_keys = NoiseKeys(self._connection)
        self.goals = Goals(self._connection, clock)
        self.funnels = Funnels(self._connection, clock)
        self.properties = Properties(self._connection)
        self.segments = Segments(self._connection, clock)
        self.annotations = Annotations(self._connection, clock)
        self.shared_links = SharedLinks(self._connection, clock)
        self.users = Users(self._connection, clock)
        self.second_factors = SecondFactors(self._connection, clock)
        self.sign_ins = SignIns(self._connection, clock)
        self.keys = ApiKeys(self._connection, clock)

    def revision(self) -> int:
        """
        Tell the number that goes up with every change of sites, shields, goals or keys. Cheap: ask it often.
        """
        return self._connection.revision()

    def close(self) -> None:
        """
        Close every connection.
        """
        self._connection.close()
