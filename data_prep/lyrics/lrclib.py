"""LRCLIB: lyrics contributed by volunteers, no key. https://lrclib.net/docs

Licence: lyrics belong to their authors; keep them for research and share only ids.
"""

from collections.abc import Sequence

from requests_cache import CachedSession

from data_prep.lyrics import FoundLyrics, NoLyricsError, is_translation
from data_prep.matching import MIN_SCORE, match
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
        # Of several songs of one name the one within 2 s of the length. Source: https://lrclib.net/docs
        length = {"duration": str(round(wanted.duration_s))} if wanted.duration_s else {}
        hits = []
        answer = self._session.get(f"{self._url}/get", params=names | length)
        if answer.status_code != NOT_FOUND:
            answer.raise_for_status()
            hits = [_found(answer.json())]
            if _is_good(hits[0], wanted):
                return hits
        similar = self._session.get(f"{self._url}/search", params=names)
        similar.raise_for_status()
        return hits + [_found(page) for page in similar.json()]

    def fetch(self, found: FoundLyrics) -> str:
        if not found.text:
            raise NoLyricsError("page without words")
        return found.text


def _is_good(hit: FoundLyrics, wanted: Wanted) -> bool:
    """Whether a page will do, so that no other need be looked for."""
    told = bool(hit.text) or hit.instrumental
    return told and not is_translation(hit, wanted) and match(wanted, hit).score >= MIN_SCORE


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
