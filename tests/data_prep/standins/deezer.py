"""Deezer as it answers: search, track, signed previews that expire, errors inside status 200."""

import re

from tests.data_prep.standins.server import Answer
from tests.data_prep.standins.songs import CatalogueSong, mp3_of

LIVE = 500_000
"""Added to a song's number: the id of its live version."""
QUOTA = {"error": {"type": "Exception", "message": "Quota limit exceeded", "code": 4}}
NO_DATA = {"error": {"type": "DataException", "message": "no data", "code": 800}}


class DeezerStandIn:
    """Serves a catalogue."""

    def __init__(self, songs: list[CatalogueSong], day_pause_at: int | None = None):
        """The search for song `day_pause_at` answers once that the client should come back in a day."""
        self._songs = {song.number: song for song in songs}
        self._day_pause_at = day_pause_at

    def answer(self, path: str, query: dict[str, str], times: int, downloads: str) -> Answer:
        if path == "search":
            return self._search(query["q"], times)
        kind, _, key = path.partition("/")
        if kind == "track" and key.startswith("isrc:"):
            song = self._songs.get(int(key[-7:]))
            return Answer(_track(song, song.number) if song else NO_DATA)
        if kind == "track":
            return self._track(int(key), times, downloads)
        return self._preview(int(key), query, times)

    def _search(self, text: str, times: int) -> Answer:
        numbers = re.findall(r"(\d+)\"?$", text)
        song = self._songs.get(int(numbers[0])) if numbers else None
        if song is None or song.sound_fault == "missing":
            return Answer({"data": [], "total": 0})
        if song.number == self._day_pause_at and times == 1:
            return Answer(status=429, headers={"Retry-After": "86400"}, useful=False)
        if song.sound_fault == "quota" and times == 1:
            return Answer(QUOTA, useful=False)
        if song.sound_fault == "busy" and times == 1:
            return Answer(status=429, headers={"Retry-After": "1"}, useful=False)
        if song.sound_fault == "broken" and times <= 2:
            return Answer(b"<html>bad gateway</html>", status=502, useful=False)
        hits = [_track(song, song.number + LIVE, " (Live)")]
        if song.sound_fault != "only live":
            hits.append(_track(song, song.number))
        return Answer({"data": hits, "total": len(hits)}, delay_s=0.05 if song.sound_fault == "slow" else 0)

    def _track(self, number: int, times: int, downloads: str) -> Answer:
        song = self._songs[number]
        expired = song.sound_fault == "expired" and times == 1
        address = f"{downloads}/preview/{number}?hdnea=exp={0 if expired else 9999999999}~hmac=00ff"
        track = _track(song, number) | {"preview": "" if song.sound_fault == "no preview" else address}
        # Answered with an address that has run out: a client must ask once more.
        return Answer(track, useful=not expired)

    def _preview(self, number: int, query: dict[str, str], times: int) -> Answer:
        song = self._songs[number]
        if query["hdnea"].startswith("exp=0~"):
            return Answer(b"Forbidden", status=403)
        if song.sound_fault == "garbage":
            return Answer(b"\0" * 2000)
        if song.sound_fault == "cut off" and times == 1:
            return Answer(mp3_of(number), cut=True)
        return Answer(mp3_of(number), headers={"Content-Type": "audio/mpeg"})


def _track(song: CatalogueSong, number: int, version: str = "") -> dict:
    return {
        "id": number,
        "readable": True,
        "title": f"{song.title}{version}",
        "title_short": song.title,
        "title_version": version.strip(),
        "isrc": f"QZSTD{song.number:07d}",
        "link": f"https://www.deezer.com/track/{number}",
        "duration": 200 + song.number % 60,
        "preview": "https://cdnt-preview.dzcdn.net/expired.mp3?hdnea=exp=1~hmac=00",
        "artist": {"id": 1, "name": song.artist, "type": "artist"},
        "type": "track",
    }
