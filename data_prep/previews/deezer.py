"""Deezer: previews of 30 s as MP3, found by ISRC or by names; no key. https://developers.deezer.com/api

Licence: previews are for listening and belong to their owners; keep them for research and share only ids.
"""

from collections.abc import Sequence
from pathlib import Path

from requests_cache import CachedSession

from data_prep.previews import Found, NoAudioError, Wanted
from data_prep.previews.downloads import ExpiredError, download
from data_prep.web.services import Service

SIGNED_S = 600
"""Addresses of previews are signed for about 15 minutes; after this a new one is asked for."""
NO_DATA = 800
N_RESULTS = 10
NO_PREVIEW = "no preview at the service"


class Deezer:
    """Previews of Deezer."""

    name = "deezer"

    def __init__(self, session: CachedSession, service: Service):
        self._session, self._url = session, service.url

    def search(self, wanted: Wanted) -> Sequence[Found]:
        if wanted.isrc:
            track = self._get(f"{self._url}/track/isrc:{wanted.isrc}", {})
            if track:
                return [_found(track)]
        artist, title = (text.replace('"', " ") for text in (wanted.artist, wanted.title))
        for query in (f'artist:"{artist}" track:"{title}"', f"{artist} {title}"):
            results = self._get(f"{self._url}/search", {"q": query, "limit": str(N_RESULTS)})
            if results.get("data"):
                return [_found(track) for track in results["data"]]
        return []

    def fetch(self, found: Found, target: Path) -> Path:
        # Asked for right before the download: the address in a search result may be days old.
        for age_s in (SIGNED_S, 0):
            track = self._get(f"{self._url}/track/{found.key}", {}, max_age_s=age_s)
            if not track.get("preview"):
                raise NoAudioError(NO_PREVIEW)
            if download(self._session, track["preview"], target):
                return target
        raise ExpiredError("preview address refused twice")

    def _get(self, url: str, params: dict[str, str], max_age_s: int | None = None) -> dict:
        """Answer as a dictionary, empty where Deezer has no such thing."""
        answer = self._session.get(url, params=params, expire_after=max_age_s, force_refresh=max_age_s == 0)
        answer.raise_for_status()
        content = answer.json()
        if error := content.get("error"):
            if error["code"] == NO_DATA:
                return {}
            raise NoAudioError(f"Deezer error {error['code']}: {error.get('message', '')[:60]}")
        return content


def _found(track: dict) -> Found:
    return Found(
        provider=Deezer.name,
        key=str(track["id"]),
        artist=track["artist"]["name"],
        title=track["title"],
        duration_s=float(track["duration"]) or None,
        isrc=track.get("isrc") or None,
        page=track.get("link", ""),
    )
