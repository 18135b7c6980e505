"""One song by its names, as the page asks for it, against stand-in services."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from data_prep.lookup import WebLookup
from research.demo.lookup import NotFoundError
from research.features.lyrics import clean_lyrics
from tests.data_prep.standins.deezer import DeezerStandIn
from tests.data_prep.standins.lrclib import LrclibStandIn
from tests.data_prep.standins.server import StandIns, addresses
from tests.data_prep.standins.songs import SOUND_FAULTS, CatalogueSong, mp3_of

GOOD, MISSING = CatalogueSong(2), CatalogueSong(3 * SOUND_FAULTS.index("missing"))


@pytest.fixture
def lookup(monkeypatch):
    monkeypatch.delenv("SPOTIPY_CLIENT_ID", raising=False)
    songs = [GOOD, MISSING]
    with StandIns({"deezer": DeezerStandIn(songs), "lrclib": LrclibStandIn(songs)}) as servers:
        yield WebLookup(addresses(servers.url))


def test_sound_and_words_of_a_song(lookup, tmp_path):
    found = lookup.sound(GOOD.artist, GOOD.title, tmp_path)
    assert found.path.read_bytes() == mp3_of(GOOD.number)
    assert found.provider == "deezer"
    assert lookup.words(GOOD.artist, GOOD.title, tmp_path) == clean_lyrics(GOOD.words)
    assert lookup.services == "audio: 30 s previews of deezer; lyrics: LRCLIB"


def test_of_visitors_only_the_times_of_requests_are_kept(lookup, tmp_path):
    rates, kept = Path(lookup._rates.name), []
    for _ in range(2):
        lookup.words(GOOD.artist, GOOD.title, tmp_path)
        with closing(sqlite3.connect(rates / "rate-lrclib.sqlite")) as memory:
            kept.append(memory.execute("SELECT * FROM lrclib").fetchall())
    assert len(kept[1]) == 2 * len(kept[0]) > 0
    assert not any(GOOD.title in str(value) or GOOD.artist in str(value) for row in kept[1] for value in row)


def test_a_song_that_is_not_there_is_said_so(lookup, tmp_path):
    with pytest.raises(NotFoundError, match=f"no audio of “{MISSING.title}” by {MISSING.artist}: not found"):
        lookup.sound(MISSING.artist, MISSING.title, tmp_path)
