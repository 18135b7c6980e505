"""Genius, through lyricsgenius; opt-in: its terms forbid scraping, and its API returns no lyrics, so pages are read.

Needs a client access token. Lyrics belong to their authors; keep them for research and share only ids.
"""

from collections.abc import Mapping, Sequence

import requests
from lyricsgenius import Genius
from requests_cache import CachedSession

from data_prep.lyrics import FoundLyrics, NoLyricsError
from data_prep.previews import Wanted
from data_prep.web.services import Service
from data_prep.web.session import RefusedError

BLOCKED = (401, 403)


class GeniusPages:
    """Words of Genius."""

    name = "genius"

    def __init__(self, session: CachedSession, api: Service, pages: Service, token: str):
        # Retries and waiting are the session's business.
        self._genius = Genius(token, sleep_time=0, retries=0, skip_non_songs=True)
        # Addresses on the instance, where lyricsgenius has them on the class.
        self._genius.API_ROOT, self._genius.WEB_ROOT = f"{api.url}/", f"{pages.url}/"
        self._genius._session = _Watched(session)

    def search(self, wanted: Wanted) -> Sequence[FoundLyrics]:
        hits = self._genius.search_songs(f"{wanted.title} {wanted.artist}")["hits"]
        return [_found(hit["result"]) for hit in hits if hit["type"] == "song"]

    def fetch(self, found: FoundLyrics) -> str:
        text = self._genius.lyrics(song_url=found.page)
        if not text:
            raise NoLyricsError("page without words")
        return text


class _Watched:
    """A session that tells a blocked page from one without words: lyricsgenius reads both as None."""

    def __init__(self, session: CachedSession):
        self._session = session

    def request(
        self,
        method: str,
        uri: str,
        timeout: float,
        params: Mapping[str, str],
        headers: Mapping[str, str] | None,
    ) -> requests.Response:
        answer = self._session.request(method, uri, params=params, headers=headers)
        if answer.status_code in BLOCKED:
            raise RefusedError(f"genius answers {answer.status_code}: the token is wrong or this network is blocked")
        if answer.status_code != requests.codes.ok:
            raise NoLyricsError(f"Genius answers {answer.status_code}")
        return answer


def _found(song: dict) -> FoundLyrics:
    return FoundLyrics(
        provider=GeniusPages.name,
        key=str(song["id"]),
        artist=song["primary_artist"]["name"],
        title=song["title"],
        instrumental=bool(song.get("instrumental")),
        # lyricsgenius wants what follows its WEB_ROOT.
        page=song["path"].lstrip("/"),
    )
