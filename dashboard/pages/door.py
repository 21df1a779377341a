"""
Through which door a dashboard is seen: its own address, or a shared link with its limits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.requests import Request

from dashboard.pages.reader import Reader
from dashboard.pages.view import View
from dashboard.stats.query import FilterTree, Viewer

PUBLIC_FILTERS_MAX = 3
"""Each filter narrows to fewer people; the public may combine this many (cell-key practice: SDC handbook, 5.4)."""

EMBED_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors *"
)


@dataclass(frozen=True, slots=True)
class Door:
    """
    One way to a dashboard.

    Attributes:
        address: path of the dashboard.
        carried: parameters that every link takes along, such as the language of somebody without a cookie.
        held: filters that nobody can take off.
        embedded: shown inside another page, without the frame around it.
    """

    address: str
    viewer: Viewer
    carried: tuple[tuple[str, str], ...] = ()
    held: tuple[FilterTree, ...] = ()
    embedded: bool = False

    def limited(self, view: View) -> View:
        """
        Hold a view to what may be seen through this door.
        """
        view = replace(view, held=self.held)
        if self.viewer is Viewer.MEMBER:
            return view
        # Ranges of the public snap to whole days: two that differ by minutes would tell single visitors apart.
        if view.period in ("24h", "live"):
            view = view.with_period("day")
        return replace(view, filters=view.filters[:PUBLIC_FILTERS_MAX])


def own_door(domain: str, reader: Reader) -> Door:
    """
    The dashboard's own address: for signed-in people, and for everybody where the site is public.
    """
    viewer = Viewer.MEMBER if reader.user else Viewer.PUBLIC
    carried = (("lang", reader.language_in_address),) if reader.language_in_address else ()
    return Door(f"/{domain}", viewer, carried)


def shared_door(slug: str, reader: Reader, request: Request, ticket: str, held: tuple[FilterTree, ...]) -> Door:
    """
    A shared link. Nobody gets a cookie for it, so what was chosen travels in the address.

    Args:
        ticket: shows that the password was known; empty where there is none.
    """
    embedded = request.query_params.get("embed") == "true"
    carried: list[tuple[str, str]] = []
    if reader.language_in_address:
        carried.append(("lang", reader.language_in_address))
    if request.query_params.get("theme") == reader.theme and reader.theme != "auto":
        carried.append(("theme", reader.theme))
    if embedded:
        carried.append(("embed", "true"))
    if ticket:
        carried.append(("ticket", ticket))
    return Door(f"/share/{slug}", Viewer.PUBLIC, tuple(carried), held, embedded)
