"""The whole run against stand-ins: 300 songs, killed ten times, paused for a day, and what it says of its losses."""

import csv
import multiprocessing
import random
import time
from pathlib import Path

import pandas as pd
import pytest
import tyro

from data_prep.__main__ import main
from data_prep.corpora import lastfm
from data_prep.fetching import pipeline
from data_prep.fetching.pipeline import Clock
from data_prep.fetching.plan import FetchPlan
from data_prep.lastfm.labelling import read_labelled
from experiments.fusion import Config
from experiments.fusion import main as train_fusion
from research.tracks import LASTFM, read_tracks
from tests.data_prep.standins import drive
from tests.data_prep.standins.deezer import DeezerStandIn
from tests.data_prep.standins.lrclib import LrclibStandIn
from tests.data_prep.standins.server import CALLS, DAY_S, Answer, StandIns, addresses
from tests.data_prep.standins.songs import CatalogueSong, mp3_of, write_lastfm

N_SONGS = 300
N_KILLED_SONGS, N_KILLS = 60, 10  # Each fault of sound comes twice, of words once or twice.
LOSING_SOUND = ("missing", "only live", "no preview", "garbage")
LOSING_WORDS = ("missing", "instrumental", "book", "short", "translation")
NO_WAIT = Clock(sleep=lambda seconds: None)


def catalogue(n_songs):
    return [CatalogueSong(number) for number in range(n_songs)]


def stand_ins(songs, **bad_day):
    return StandIns({"deezer": DeezerStandIn(songs, **bad_day), "lrclib": LrclibStandIn(songs)})


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a corpus that a user sees."""
    files = [path for path in sorted(out.rglob("*")) if path.is_file() and "state" not in path.parts]
    # Parquet files name the writing library's version only; equal tables are equal bytes.
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return write_lastfm(catalogue(N_SONGS), tmp_path_factory.mktemp("lastfm"))


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory) -> tuple[Path, StandIns]:
    """Corpus of an uninterrupted run, and what its servers saw."""
    out = tmp_path_factory.mktemp("whole")
    with stand_ins(catalogue(N_SONGS)) as servers:
        lastfm.prepare(source, out, services=addresses(servers.url), clock=NO_WAIT)
    return out, servers


def test_three_hundred_songs(whole):
    # By hand: 100 songs have a fault of sound, ten of each kind; four kinds lose the song, the rest is got over.
    # 60 have one of words, in nine kinds; five kinds lose them.
    out, _ = whole
    table = read_tracks(out / "tracks.parquet")
    assert table.frame["audio"].notna().sum() == N_SONGS - 40
    lost_words = [song for song in catalogue(N_SONGS) if song.word_fault in LOSING_WORDS]
    assert table.frame["lyrics"].notna().sum() == N_SONGS - len(lost_words)
    assert len(table) == N_SONGS - sum(song.sound_fault in LOSING_SOUND for song in lost_words)
    song = CatalogueSong(2)
    row = list(table.frame["track_id"]).index(song.track_id)
    assert table.audio_path(row).read_bytes() == mp3_of(2)
    assert table.lyrics_text(row) == song.words
    assert table.frame["split"][row] == "train"


def test_nothing_is_asked_twice_and_no_rate_is_broken(whole):
    _, servers = whole
    assert servers.repeated() == {}
    assert max(servers.most_in_a_window(service) for service in ("deezer", "lrclib")) <= CALLS


def test_attrition_adds_up(whole):
    out, _ = whole
    with (out / "attrition.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for stage in ("sound", "words", "corpus"):
        for mood in ("happy", "angry", "sad", "relaxed"):
            own = [row for row in rows if (row["stage"], row["mood"]) == (stage, mood)]
            assert sum(int(row["songs"]) for row in own) == int(own[0]["in"]) == 75
    lost = {row["reason"]: 0 for row in rows if row["stage"] == "sound"}
    for row in rows:
        if row["stage"] == "sound":
            lost[row["reason"]] += int(row["songs"])
    assert lost == {
        "kept": 260,
        "not found": 10,
        "no preview at the service": 10,
        "only other songs found: another version": 10,
        "audio cannot be decoded": 10,
    }
    card = (out / "card.md").read_text()
    assert "sound from: deezer 260; match score median 1.000" in card
    assert "UNFINISHED" not in card


def test_killed_ten_times_it_ends_the_same(tmp_path):
    songs, draw = catalogue(N_KILLED_SONGS), random.Random(4)
    source, out, expected = write_lastfm(songs, tmp_path / "source"), tmp_path / "out", tmp_path / "expected"
    with stand_ins(songs) as servers:
        lastfm.prepare(source, expected, services=addresses(servers.url), clock=NO_WAIT)
    # Forked from a process that has imported everything: each start costs milliseconds.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([drive.__name__])
    with stand_ins(songs) as servers:
        for _ in range(N_KILLS):
            program = processes.Process(target=drive.run, args=(source, out, servers.url))
            program.start()
            servers.wait_for(len(servers.log) + draw.randrange(5, 20))
            time.sleep(draw.random() * 0.02)  # Anywhere between two requests, not at one.
            assert program.is_alive(), "the run ended before it was killed ten times"
            program.kill()
            program.join()
        last = processes.Process(target=drive.run, args=(source, out, servers.url))
        last.start()
        last.join()
    assert last.exitcode == 0
    assert contents(out) == contents(expected)
    # Whatever was on its way at a kill had not reached the disk: one request a kill at most comes again.
    assert sum(servers.repeated().values()) <= N_KILLS
    assert max(servers.most_in_a_window(service) for service in ("deezer", "lrclib")) <= CALLS


def test_a_day_is_waited_for_by_the_user(tmp_path):
    songs = catalogue(12)
    source = write_lastfm(songs, tmp_path / "source")
    now = [1_000_000.0]
    clock = Clock(now=lambda: now[0], sleep=lambda seconds: None)
    out = tmp_path / "out"
    with stand_ins(songs, day_pause_at=8) as servers:
        services = addresses(servers.url)
        first = lastfm.prepare(source, out, services=services, clock=clock)
        assert first.corpus.label_source == LASTFM
        card = (out / "card.md").read_text()
        assert first.frame["audio"].notna().sum() == 6  # 9 (the test folder comes first), 1, 2, 4, 5, 7
        assert "UNFINISHED: run the same command again to resume" in card
        assert "sound: deezer asks to wait until 1970-01-13" in card
        assert "not yet fetched" in card
        n_asked = len(servers.log)
        lastfm.prepare(source, out, services=services, clock=clock)
        assert len(servers.log) == n_asked  # still the same day: not one request
        now[0] += DAY_S + 1
        last = lastfm.prepare(source, out, services=services, clock=clock)
    assert len(last) == 11  # the seventh has neither a preview nor words
    assert "UNFINISHED" not in (out / "card.md").read_text()


class Always:
    """Gives one answer."""

    def __init__(self, answer: Answer):
        self._answer = answer

    def answer(self, path, query, times, downloads):
        return self._answer


class Closed:
    """Refuses what a word of its path names, and else answers as another stand-in does."""

    def __init__(self, stand_in, word: str, status: int):
        self._stand_in, self._word, self._status = stand_in, word, status

    def answer(self, path, query, times, downloads):
        if path.startswith(self._word):
            return Answer(b"Forbidden", status=self._status, useful=False)
        return self._stand_in.answer(path, query, times, downloads)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("service", "word", "told"),
    [
        ("deezer", "search", "sound: deezer answers"),
        ("lrclib", "get", "words: lrclib answers"),
        ("deezer", "preview", ""),
    ],
)
def test_what_was_refused_is_asked_for_by_the_next_run(tmp_path, service, word, told, status):
    songs = [song for song in catalogue(12) if not song.sound_fault and not song.word_fault]
    out = tmp_path / "out"
    lastfm.label(write_lastfm(songs, tmp_path / "source"), out, mismatches=None)
    labelled = read_labelled(out, "clean", songs_per_mood=None)

    def n_kept_and_stops(servers: StandIns) -> tuple[int, tuple[str, ...]]:
        fetched = pipeline.fetch_all(labelled, FetchPlan(), out, addresses(servers.url), NO_WAIT)
        outcomes = fetched.sound if service == "deezer" else fetched.words
        return sum(outcome.kept for outcome in outcomes.values()), fetched.stopped

    with stand_ins(songs) as servers:
        stand_in = servers.services[service]
        servers.services[service] = Closed(stand_in, word, status)
        n_kept, stops = n_kept_and_stops(servers)
        assert n_kept == 0
        assert [stop.partition(f" {status}")[0] for stop in stops] == ([told] if told else [])
        servers.services[service] = stand_in
        assert n_kept_and_stops(servers) == (len(songs), ())


def test_a_service_that_sends_round_in_circles_ends_no_run(tmp_path):
    songs = [song for song in catalogue(3) if not song.word_fault]
    lastfm.label(write_lastfm(songs, tmp_path / "source"), tmp_path, mismatches=None)
    labelled = read_labelled(tmp_path, "clean", songs_per_mood=None)
    with stand_ins(songs) as servers:
        here = {"Location": "/lrclib/get?track_name=round"}
        servers.services["lrclib"] = Always(Answer(status=302, headers=here, useful=False))
        fetched = pipeline.fetch_all(labelled, FetchPlan(), tmp_path, addresses(servers.url), NO_WAIT)
    assert fetched.words == {}
    why = "the last because: lrclib: Exceeded 30 redirects."
    assert fetched.stopped == (f"words: {len(songs)} songs could not be asked for, {why}",)


def test_where_nothing_could_be_fetched_the_reason_is_told(tmp_path):
    songs = catalogue(3)
    with stand_ins(songs) as servers:
        servers.services["deezer"] = Closed(servers.services["deezer"], "search", 403)
        with pytest.raises(ValueError, match="no song could be fetched: sound: deezer answers 403"):
            lastfm.prepare(
                write_lastfm(songs, tmp_path / "source"),
                tmp_path / "out",
                services=addresses(servers.url),
                clock=NO_WAIT,
            )


def test_ctrl_c_leaves_a_usable_corpus(tmp_path, monkeypatch):
    songs = catalogue(12)
    source = write_lastfm(songs, tmp_path / "source")
    fetch, words = pipeline.fetch_words, []

    def fetch_or_stop(wanted, providers, folder):
        words.append(wanted)
        if len(words) == 5:
            raise KeyboardInterrupt
        return fetch(wanted, providers, folder)

    monkeypatch.setattr(pipeline, "fetch_words", fetch_or_stop)
    with stand_ins(songs) as servers:
        services = addresses(servers.url)
        assert len(lastfm.prepare(source, tmp_path / "out", services=services, clock=NO_WAIT)) == 4
        assert "interrupted from the keyboard" in (tmp_path / "out/card.md").read_text()
        assert len(lastfm.prepare(source, tmp_path / "out", services=services, clock=NO_WAIT)) == 11


def test_a_source_named_later_is_asked_for_what_is_missing(tmp_path):
    songs = catalogue(6)
    source = write_lastfm(songs, tmp_path / "source")
    music = tmp_path / "music"
    music.mkdir()
    (music / f"{songs[0].artist} - {songs[0].title}.mp3").write_bytes(mp3_of(0))
    with stand_ins(songs) as servers:
        services = addresses(servers.url)
        first = lastfm.prepare(source, tmp_path / "out", services=services, clock=NO_WAIT)
        plan = FetchPlan(previews=("deezer", "local"), music_folder=music)
        second = lastfm.prepare(source, tmp_path / "out", plan=plan, services=services, clock=NO_WAIT)
    assert (first.frame["audio"].notna().sum(), second.frame["audio"].notna().sum()) == (4, 5)


def test_from_the_command_line_without_a_key_to_a_trained_model(tmp_path, tiny_bert, monkeypatch, capsys):
    songs = [song for song in catalogue(60) if not song.sound_fault and not song.word_fault][:16]
    source = write_lastfm(songs, tmp_path / "source")
    for name in ("JAMENDO_CLIENT_ID", "SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET", "GENIUS_ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    prepare, out = lastfm.prepare, tmp_path / "data"
    with stand_ins(songs) as servers:
        services = addresses(servers.url)
        monkeypatch.setattr(lastfm, "prepare", lambda *paths, **choice: prepare(*paths, services=services, **choice))
        assert main(["lastfm", "--source", str(source), "--out", str(out)]) == 0
    assert "16 songs in, 16 kept" in capsys.readouterr().out
    settings = {
        "--tracks": out / "tracks.parquet",
        "--folds": 2,
        "--inputs.mel.n-mels": 32,
        "--inputs.window-frames": 72,
        "--inputs.eval-windows": 1,
        "--inputs.max-tokens": 16,
        "--model.lyrics.model": tiny_bert,
        "--model.dim": 8,
        "--train.epochs": 1,
    }
    monkeypatch.chdir(tmp_path)
    args = [str(word) for pair in settings.items() for word in pair]
    train_fusion(tyro.cli(Config, args=args, config=(tyro.conf.AvoidSubcommands,)))
    predictions = pd.read_parquet(tmp_path / "runs/fusion/fusion-fold0-seed0/predictions.parquet")
    assert set(predictions["track_id"]) <= {song.track_id for song in songs}
