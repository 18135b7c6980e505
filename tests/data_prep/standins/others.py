"""iTunes, Jamendo, Spotify and Genius as they answer, each for one catalogue song."""

import json

from tests.data_prep.standins.server import Answer
from tests.data_prep.standins.songs import CatalogueSong, mp3_of


class ITunesStandIn:
    """Search results with previews in M4A."""

    def __init__(self, song: CatalogueSong, sound: bytes, *, expired: bool = False):
        """Where `expired`, the addresses in search results are refused, those of single songs are not."""
        self._song, self._sound, self._expired = song, sound, expired

    def answer(self, path: str, query: dict[str, str], times: int, downloads: str) -> Answer:
        if path == "preview.m4a":
            return Answer(self._sound)
        if path == "old.m4a":
            return Answer(b"Forbidden", status=403)
        sound = "old.m4a" if self._expired and path == "search" else "preview.m4a"
        track = {
            "wrapperType": "track",
            "trackId": 7,
            "artistName": self._song.artist,
            "trackName": self._song.title,
            "trackTimeMillis": 201_000,
            "trackViewUrl": "https://music.apple.com/7",
            "previewUrl": f"{downloads}/{sound}",
        }
        return Answer({"resultCount": 1, "results": [track]})


class JamendoStandIn:
    """Search results with Creative Commons licences."""

    def __init__(self, song: CatalogueSong, *, allowed: bool = True, client_known: bool = True, expired: bool = False):
        """Where `expired`, the addresses in search results are refused, those of single songs are not."""
        self._song, self._allowed, self._client_known, self._expired = song, allowed, client_known, expired

    def answer(self, path: str, query: dict[str, str], times: int, downloads: str) -> Answer:
        if path == "download":
            return Answer(mp3_of(self._song.number))
        if path == "old":
            return Answer(b"Gone", status=410)
        if not self._client_known:
            headers = {"status": "failed", "code": 5, "error_message": "Your credential is not authorized."}
            return Answer({"headers": headers | {"results_count": 0}, "results": []})
        track = {
            "id": "11",
            "name": self._song.title,
            "duration": 180,
            "artist_name": self._song.artist,
            "license_ccurl": "http://creativecommons.org/licenses/by-nc/3.0/",
            "audio": f"{downloads}/stream",
            "audiodownload": f"{downloads}/{'old' if self._expired and 'id' not in query else 'download'}",
            "audiodownload_allowed": self._allowed,
            "shareurl": "https://www.jamendo.com/track/11",
        }
        headers = {"status": "success", "code": 0, "error_message": "", "results_count": 1}
        return Answer({"headers": headers, "results": [track]})


class SpotifyStandIn:
    """Token and search; new apps get no preview."""

    def __init__(self, song: CatalogueSong, preview_url: str | None = None):
        self._song, self._preview_url = song, preview_url

    def answer(self, path: str, query: dict[str, str], times: int, downloads: str) -> Answer:
        if path == "api/token":
            return Answer({"access_token": "token", "token_type": "Bearer", "expires_in": 3600})
        if int(query["limit"]) > 10:
            return Answer({"error": {"status": 400, "message": "Invalid limit"}}, status=400)
        track = {
            "id": "4uLU6hMCjMI75M1A2tKUQC",
            "name": self._song.title,
            "artists": [{"name": self._song.artist}],
            "duration_ms": 200_000 + 1000 * (self._song.number % 60),
            "external_ids": {"isrc": f"QZSTD{self._song.number:07d}"},
            "external_urls": {"spotify": "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC"},
            "preview_url": self._preview_url,
        }
        return Answer({"tracks": {"items": [track], "limit": 10, "total": 1}})


class GeniusStandIn:
    """Search by API, words on pages, some of them closed."""

    def __init__(self, song: CatalogueSong, *, page_status: int = 200):
        self._song, self._page_status = song, page_status

    def answer(self, path: str, query: dict[str, str], times: int, downloads: str) -> Answer:
        if path != "search":
            return Answer(self._page(), status=self._page_status)
        translation = {
            "id": 1,
            "title": f"{self._song.artist} - {self._song.title} (Türkçe Çeviri)",
            "primary_artist": {"name": "Genius Türkçe Çeviri"},
            "path": "/Genius-turkce-ceviri-lyrics",
        }
        song = {
            "id": 2,
            "title": self._song.title,
            "primary_artist": {"name": self._song.artist},
            "path": "/Song-lyrics",
            "instrumental": False,
        }
        hits = [{"type": "song", "result": result} for result in (translation, song)]
        return Answer({"meta": {"status": 200}, "response": {"hits": hits}})

    def _page(self) -> bytes:
        if self._page_status != 200:
            return b"<html><title>Attention Required!</title></html>"
        lines = "<br/>".join(self._song.words.split("\n"))
        state = json.dumps({"songPage": {}})
        container = f'<div data-lyrics-container="true">[Verse 1]<br/>{lines}</div>'
        return f"<html><script>window.x = {state}</script>{container}</html>".encode()
