"""iTunes: previews of 30 s as M4A, found by names; no key, about 20 requests a minute.

Terms: Apple allows previews only to promote the song; keep them for research and share only ids.
"""

from collections.abc import Sequence
from pathlib import Path

from requests_cache import CachedSession

from data_prep.previews import Found, NoAudioError, Wanted
from data_prep.previews.downloads import ExpiredError, download
from data_prep.web.services import Service

N_RESULTS = 10


class ITunes:
    """Previews of the iTunes Store."""

    name = "itunes"

    def __init__(self, session: CachedSession, service: Service):
        self._session, self._url = session, service.url

    def search(self, wanted: Wanted) -> Sequence[Found]:
        query = {"term": f"{wanted.artist} {wanted.title}", "media": "music", "entity": "song", "limit": str(N_RESULTS)}
        answer = self._session.get(f"{self._url}/search", params=query)
        answer.raise_for_status()
        return [_found(track) for track in answer.json()["results"] if track.get("previewUrl")]

    def fetch(self, found: Found, target: Path) -> Path:
        # The address in a search result may be weeks old: where it is refused, a new one is asked for.
        if not download(self._session, found.sound, target) and not download(
            self._session, self._new_address(found), target
        ):
            raise ExpiredError("preview address refused twice")
        return target

    def _new_address(self, found: Found) -> str:
        answer = self._session.get(f"{self._url}/lookup", params={"id": found.key}, force_refresh=True)
        answer.raise_for_status()
        for track in answer.json()["results"]:
            if track.get("previewUrl"):
                return track["previewUrl"]
        raise NoAudioError("no preview at the service")


def _found(track: dict) -> Found:
    return Found(
        provider=ITunes.name,
        key=str(track["trackId"]),
        artist=track["artistName"],
        title=track["trackName"],
        duration_s=track["trackTimeMillis"] / 1000 if track.get("trackTimeMillis") else None,
        page=track.get("trackViewUrl", ""),
        suffix=".m4a",
        sound=track["previewUrl"],
    )
