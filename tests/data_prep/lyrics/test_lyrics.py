"""Each source of words against what its service answers, and which pages are no words of the song."""

import pytest

from data_prep.fetching.one_song import NOT_FOUND, fetch_words
from data_prep.lyrics import BOOK, INSTRUMENTAL, TOO_SHORT, TRANSLATION, NoLyricsError, is_translation, judge
from data_prep.lyrics.genius import GeniusPages
from data_prep.lyrics.local import LocalLyrics
from data_prep.lyrics.lrclib import Lrclib
from data_prep.matching import Named
from data_prep.previews import Wanted
from data_prep.web.session import RefusedError, open_session
from tests.data_prep.standins.lrclib import LrclibStandIn
from tests.data_prep.standins.others import GeniusStandIn
from tests.data_prep.standins.server import Answer, StandIns, addresses
from tests.data_prep.standins.songs import WORD_FAULTS, CatalogueSong

SONG = CatalogueSong(2)
SUNG = "I walk the line and the line walks with me all the way home tonight"


def wanted_of(song, duration_s=None):
    return Wanted(track_id=song.track_id, artist=song.artist, title=song.title, duration_s=duration_s)


@pytest.fixture
def fetch(tmp_path):
    """Fetches a song's words from a service played by a stand-in."""

    def run(song, services, build, duration_s=None):
        with StandIns(services) as servers:
            reached = addresses(servers.url)
            session = open_session(tmp_path / "state", reached, sleep=lambda seconds: None)
            try:
                return fetch_words(wanted_of(song, duration_s), [build(session, reached)], tmp_path)
            finally:
                session.close()

    return run


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("missing", NOT_FOUND),
        ("instrumental", INSTRUMENTAL),
        ("book", BOOK),
        ("short", TOO_SHORT),
        ("translation", TRANSLATION),
        ("by search", ""),
        ("busy", ""),
        ("broken", ""),
    ],
)
def test_lrclib_on_bad_days(fetch, tmp_path, fault, reason):
    song = CatalogueSong(5 * WORD_FAULTS.index(fault) + 1)
    outcome = fetch(song, {"lrclib": LrclibStandIn([song])}, lambda session, at: Lrclib(session, at.lrclib))
    assert (outcome.kept, outcome.reason) == (not reason, reason)
    if not reason:
        text = (tmp_path / f"{song.track_id}.txt").read_text()
        assert text == song.words
        assert (outcome.detail["language"], outcome.detail["n_letters"]) == ("en", len(text))


class TwoPages:
    """LRCLIB with one page by exact names and another one by search."""

    def __init__(self, exact, similar):
        self.exact, self.similar, self.asked = exact, similar, []

    def answer(self, path, query, times, downloads):
        self.asked.append((path, query.get("duration")))
        return Answer(self.exact if path == "get" else [self.similar])


PAGE = {"id": 1, "trackName": SONG.title, "artistName": SONG.artist, "duration": 200, "plainLyrics": SUNG}


@pytest.mark.parametrize(
    "unfit", [{"duration": 400}, {"plainLyrics": None}, {"trackName": f"{SONG.title} (English Translation)"}]
)
def test_lrclib_is_searched_where_its_exact_page_will_not_do(fetch, unfit):
    pages = TwoPages(PAGE | unfit, PAGE | {"id": 2})
    outcome = fetch(SONG, {"lrclib": pages}, lambda session, at: Lrclib(session, at.lrclib), duration_s=200.4)
    assert (outcome.kept, outcome.detail.get("key")) == (True, "2")
    assert pages.asked == [("get", "200"), ("search", None)]


def test_lrclib_is_not_searched_where_its_exact_page_is_the_song(fetch):
    pages = TwoPages(PAGE, PAGE | {"id": 2})
    outcome = fetch(SONG, {"lrclib": pages}, lambda session, at: Lrclib(session, at.lrclib))
    assert (outcome.detail["key"], pages.asked) == ("1", [("get", None)])


def genius(session, at):
    return GeniusPages(session, at.genius, at.genius_pages, "token")


def test_genius_takes_the_song_and_not_its_translation(fetch, tmp_path):
    stand_in = GeniusStandIn(SONG)
    outcome = fetch(SONG, {"genius": stand_in, "genius_pages": stand_in}, genius)
    assert (outcome.kept, outcome.detail["key"]) == (True, "2")
    assert (tmp_path / f"{SONG.track_id}.txt").read_text() == SONG.words  # the header [Verse 1] is gone


def test_a_blocked_genius_page_is_not_an_instrumental(fetch):
    stand_in = GeniusStandIn(SONG, page_status=403)
    with pytest.raises(RefusedError, match="genius answers 403"):
        fetch(SONG, {"genius": stand_in, "genius_pages": stand_in}, genius)


def test_your_own_words_by_id_and_by_name(tmp_path):
    other = CatalogueSong(3)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / f"{SONG.track_id}.txt").write_text(SUNG)
    (tmp_path / "own" / f"{other.artist} - {other.title}.txt").write_text(SUNG.replace("home", "back"))
    for song, word in ((SONG, "home"), (other, "back")):
        outcome = fetch_words(wanted_of(song), [LocalLyrics(tmp_path / "own")], tmp_path)
        assert outcome.kept
        assert word in (tmp_path / f"{song.track_id}.txt").read_text()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[Instrumental]", INSTRUMENTAL),
        ("This song is an instrumental", INSTRUMENTAL),
        ("la la la", TOO_SHORT),
        (f"{SUNG}\n" * 400, BOOK),
        ("", TOO_SHORT),
    ],
)
def test_what_is_no_song(text, reason):
    with pytest.raises(NoLyricsError, match=f"^{reason}$"):
        judge(text)


def test_words_are_cleaned_and_their_language_told():
    words = judge(f"3 ContributorsWalk Lyrics[Verse 1]\n{SUNG}\n12Embed")
    assert (words.text, words.language) == (SUNG, "en")
    assert judge("你 问 我 爱 你 有 多 深 我爱你有几分月亮代表我的心").language == "zh"


@pytest.mark.parametrize(
    ("artist", "title", "translated"),
    [
        ("Genius English Translations", "PSY - GANGNAM STYLE (English Translation)", True),
        ("Genius Romanizations", "BTS - Dynamite (Romanized)", True),
        ("Genius Brasil Traduções", "Adele - Hello (Tradução em Português)", True),
        ("Ann", "Song", False),
    ],
)
def test_translations_are_known_by_their_names(artist, title, translated):
    assert is_translation(Named(artist=artist, title=title), Named(artist="Ann", title="Song")) == translated


def test_a_song_may_be_called_translation():
    song = Named(artist="Ann", title="Lost in Translation")
    assert not is_translation(song, song)
