"""iTunes: previews of 30 s as M4A, found by names; no key, about 20 requests a minute.

Terms: Apple allows previews only to promote the song; keep them for research and share only ids. The program
`ffmpeg` must be installed: libsndfile does not read M4A, so the preview is kept as FLAC.
"""

import shutil
import subprocess
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
        """
        Raises:
            ValueError: ffmpeg is not installed.
        """
        self._session, self._url = session, service.url
        self._ffmpeg = shutil.which("ffmpeg")
        if not self._ffmpeg:
            raise ValueError("itunes gives M4A, which needs the program ffmpeg; install it, or use --previews deezer")

    def search(self, wanted: Wanted) -> Sequence[Found]:
        query = {"term": f"{wanted.artist} {wanted.title}", "media": "music", "entity": "song", "limit": str(N_RESULTS)}
        answer = self._session.get(f"{self._url}/search", params=query)
        answer.raise_for_status()
        return [_found(track) for track in answer.json()["results"] if track.get("previewUrl")]

    def fetch(self, found: Found, target: Path) -> Path:
        original = target.with_suffix(".m4a")
        # The address in a search result may be weeks old: where it is refused, a new one is asked for.
        if not download(self._session, found.sound, original) and not download(
            self._session, self._new_address(found), original
        ):
            raise ExpiredError("preview address refused twice")
        command = [self._ffmpeg, "-v", "error", "-y", "-i", str(original), "-f", "flac", str(target)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            raise NoAudioError("audio cannot be decoded") from error
        finally:
            original.unlink()
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
        suffix=".flac",
        sound=track["previewUrl"],
    )
