"""Jamendo: whole songs under Creative Commons, as MP3; needs a client id. https://developer.jamendo.com/v3.0/tracks

Licence: a Creative Commons licence per song, kept in the table; only songs whose artist allows downloads are taken.
"""

from collections.abc import Sequence
from pathlib import Path

from requests_cache import CachedSession

from data_prep.previews import Found, NoAudioError, Wanted
from data_prep.previews.downloads import ExpiredError, download
from data_prep.web.services import Service
from data_prep.web.session import RefusedError

N_RESULTS = 10
NOT_ALLOWED = "download not allowed by the artist"
BAD_CLIENT = (5, 11)
"""Codes for a client id that is unknown or suspended. Source: https://developer.jamendo.com/v3.0/response-codes"""


class Jamendo:
    """Songs of Jamendo."""

    name = "jamendo"

    def __init__(self, session: CachedSession, service: Service, client_id: str):
        self._session, self._url, self._client_id = session, service.url, client_id

    def search(self, wanted: Wanted) -> Sequence[Found]:
        return self._tracks({"artist_name": wanted.artist, "namesearch": wanted.title})

    def fetch(self, found: Found, target: Path) -> Path:
        # The address in a search result may be weeks old: where it is refused, a new one is asked for.
        if self._downloaded(found, target):
            return target
        if any(self._downloaded(track, target) for track in self._tracks({"id": found.key}, refresh=True)):
            return target
        raise ExpiredError("download address refused twice")

    def _downloaded(self, found: Found, target: Path) -> bool:
        if not found.sound:
            raise NoAudioError(NOT_ALLOWED)
        return download(self._session, found.sound, target)

    def _tracks(self, choice: dict[str, str], *, refresh: bool = False) -> Sequence[Found]:
        query = {"client_id": self._client_id, "format": "json", "limit": str(N_RESULTS), **choice}
        answer = self._session.get(f"{self._url}/tracks/", params=query, force_refresh=refresh)
        answer.raise_for_status()
        content = answer.json()
        headers = content["headers"]
        if headers["code"] in BAD_CLIENT:
            raise RefusedError(f"jamendo: {headers['error_message']}; check JAMENDO_CLIENT_ID")
        if headers["code"]:
            raise NoAudioError(f"Jamendo error {headers['code']}")
        return [_found(track) for track in content["results"]]


def _found(track: dict) -> Found:
    return Found(
        provider=Jamendo.name,
        key=str(track["id"]),
        artist=track["artist_name"],
        title=track["name"],
        duration_s=float(track["duration"]) or None,
        page=track.get("shareurl", ""),
        licence=track.get("license_ccurl") or None,
        sound=track["audiodownload"] if track.get("audiodownload_allowed") else "",
    )
