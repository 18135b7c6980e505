"""LRCLIB: lyrics given by volunteers, no key. https://lrclib.net/docs

Licence: the words belong to their authors; keep them for research and pass on ids only.
"""

from collections.abc import Sequence

from requests_cache import CachedSession

from data_prep.lyrics import FoundLyrics, NoLyricsError
from data_prep.previews import Wanted
from data_prep.web.services import Service

NOT_FOUND = 404


class Lrclib:
    """Words of LRCLIB."""

    name = "lrclib"

    def __init__(self, session: CachedSession, service: Service):
        self._session, self._url = session, service.url

    def search(self, wanted: Wanted) -> Sequence[FoundLyrics]:
        names = {"artist_name": wanted.artist, "track_name": wanted.title}
        exact = self._session.get(f"{self._url}/get", params=names)
        if exact.status_code != NOT_FOUND:
            exact.raise_for_status()
            return [_found(exact.json())]
        similar = self._session.get(f"{self._url}/search", params=names)
        similar.raise_for_status()
        return [_found(page) for page in similar.json()]

    def fetch(self, found: FoundLyrics) -> str:
        if not found.text:
            raise NoLyricsError("page without words")
        return found.text


def _found(page: dict) -> FoundLyrics:
    return FoundLyrics(
        provider=Lrclib.name,
        key=str(page["id"]),
        artist=page["artistName"],
        title=page["trackName"],
        duration_s=page.get("duration") or None,
        instrumental=bool(page.get("instrumental")),
        # The time stamps of synced lyrics are removed with everything else that is not sung.
        text=page.get("plainLyrics") or page.get("syncedLyrics") or "",
    )
