"""LRCLIB as it answers: a page by exact names, a search, 404 in JSON."""

import re

from tests.data_prep.standins.server import Answer
from tests.data_prep.standins.songs import CatalogueSong

NOT_FOUND = {"code": 404, "name": "TrackNotFound", "message": "Failed to find specified track"}


class LrclibStandIn:
    """Serves a catalogue."""

    def __init__(self, songs: list[CatalogueSong], day_pause_at: int | None = None):
        self._songs = {song.number: song for song in songs}
        self._day_pause_at = day_pause_at

    def answer(self, path: str, query: dict[str, str], times: int, downloads: str) -> Answer:
        song = self._songs[int(re.findall(r"\d+$", query["track_name"])[0])]
        fault = song.word_fault
        if song.number == self._day_pause_at and times == 1:
            return Answer(status=429, headers={"Retry-After": "86400"}, useful=False)
        if fault == "busy" and times == 1:
            return Answer(status=429, headers={"Retry-After": "2"}, useful=False)
        if fault == "broken" and times == 1:
            return Answer(b"oops", status=500, useful=False)
        if path == "get":
            return Answer(NOT_FOUND, status=404) if fault in ("missing", "by search") else Answer(_page(song))
        return Answer([] if fault == "missing" else [_page(song)])


def _page(song: CatalogueSong) -> dict:
    fault = song.word_fault
    words = {"book": f"{song.words}\n" * 200, "short": "la la", "instrumental": None}.get(fault, song.words)
    return {
        "id": song.number,
        "name": song.title,
        "trackName": f"{song.title} (English Translation)" if fault == "translation" else song.title,
        "artistName": song.artist,
        "albumName": "Stand-ins",
        "duration": 200 + song.number % 60,
        "instrumental": fault == "instrumental",
        "plainLyrics": words,
        "syncedLyrics": None,
    }
