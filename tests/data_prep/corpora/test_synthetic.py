"""The synthetic corpus: each side tells part of the mood, and the same recipe gives the same bytes."""

import hashlib
import json
import math
from collections import Counter
from pathlib import Path

import librosa
import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_prep.composer.song import SAMPLE_RATE, Recipe, SongPlan, make_song, plan_songs
from data_prep.corpora.synthetic import prepare
from research.moods import MOODS


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("synthetic")
    prepare(out, n_songs=40, duration_s=1.0, workers=1)
    return out


def test_sound_and_words_each_err_and_together_err_less():
    recipe = Recipe(n_songs=144, seed=0, duration_s=4.0, overlap=1.0)
    plans = plan_songs(recipe)
    samples, lyrics = zip(*(make_song(plan, recipe) for plan in plans), strict=True)
    moods, artists = [plan.mood for plan in plans], [plan.artist for plan in plans]
    mel = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=2048, n_mels=64)
    by_sound = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    by_words = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=500))
    folds = list(GroupKFold(5).split(moods, groups=artists))
    sound = cross_val_predict(
        by_sound, [mel_statistics(song, mel) for song in samples], moods, cv=folds, method="predict_proba"
    )
    words = cross_val_predict(by_words, lyrics, moods, cv=folds, method="predict_proba")
    accuracy = {
        name: (np.array(sorted(MOODS))[probs.argmax(1)] == moods).mean()
        for name, probs in (("sound", sound), ("words", words), ("both", (sound + words) / 2))
    }
    assert 0.6 < accuracy["sound"] < 0.9
    assert 0.6 < accuracy["words"] < 0.9
    # The designed gain is about 0.1; its standard error over 144 songs is 0.03.
    assert accuracy["both"] > max(accuracy["sound"], accuracy["words"]) + 0.05


def mel_statistics(samples: np.ndarray, mel: np.ndarray) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(samples, 2048)[::1024] * np.hanning(2048)
    level_db = 10 * np.log10(np.maximum(np.abs(np.fft.rfft(frames)) ** 2 @ mel.T, 1e-10))
    return np.concatenate([level_db.mean(0), level_db.std(0), np.abs(np.diff(level_db, axis=0)).mean(0)])


def test_plan_is_balanced_and_artists_lean():
    plans = plan_songs(Recipe(n_songs=240, seed=0, duration_s=12.0, overlap=1.0))
    assert Counter(plan.mood for plan in plans) == dict.fromkeys(MOODS, 60)
    assert set(Counter(plan.artist for plan in plans).values()) == {10}
    assert sum(plan.instrumental for plan in plans) == 12
    favourite = [max(Counter(p.mood for p in plans if p.artist == artist).values()) for artist in range(24)]
    assert np.mean(favourite) > 4  # of ten songs; even mixes would give 3


def test_eight_songs_still_have_four_artists():
    plans = plan_songs(Recipe(n_songs=8, seed=0, duration_s=1.0, overlap=1.0))
    assert Counter(plan.artist for plan in plans) == {0: 2, 1: 2, 2: 2, 3: 2}
    assert Counter(plan.mood for plan in plans) == dict.fromkeys(MOODS, 2)


def test_longer_audio_changes_no_word():
    plan = SongPlan(index=3, artist=1, mood="sad")
    short, long = (Recipe(n_songs=8, seed=0, duration_s=duration_s, overlap=1.0) for duration_s in (1.0, 3.0))
    assert make_song(plan, short)[1] == make_song(plan, long)[1]


def test_two_processes_write_the_bytes_of_one(small: Path, tmp_path: Path):
    prepare(tmp_path, n_songs=40, duration_s=1.0, workers=2)
    assert digests(tmp_path) == digests(small)
    assert len(digests(small)) == 40 + 38 + 2  # audio, lyrics of all but two instrumentals, table and recipe


def test_another_seed_gives_other_songs(small: Path, tmp_path: Path):
    prepare(tmp_path, n_songs=4, seed=1, duration_s=1.0, workers=1)
    audio = {digest for path, digest in digests(tmp_path).items() if path.startswith("audio")}
    assert not audio & set(digests(small).values())


def test_an_interrupted_corpus_is_completed_and_finished_songs_are_kept(small: Path, tmp_path: Path):
    prepare(tmp_path, n_songs=40, duration_s=1.0, workers=1)
    before = (tmp_path / "audio/synthetic-00000.flac").stat().st_mtime_ns
    (tmp_path / "tracks.parquet").unlink()
    (tmp_path / "audio/synthetic-00007.flac").rename(tmp_path / "audio/synthetic-00007.flac.part")
    (tmp_path / "lyrics/synthetic-00009.txt").unlink()
    prepare(tmp_path, n_songs=40, duration_s=1.0, workers=1)
    assert digests(tmp_path) == digests(small)
    assert (tmp_path / "audio/synthetic-00000.flac").stat().st_mtime_ns == before


def test_the_table_says_synthetic_and_its_files_are_readable(small: Path):
    table = prepare(small, n_songs=40, duration_s=1.0, workers=1)
    assert table.corpus.synthetic
    assert table.corpus.labels == MOODS
    assert "--n-songs 40 --seed 0 --duration-s 1.0 --overlap 1.0" in table.corpus.command
    assert len(set(table.artist_keys)) == 20
    samples, rate = librosa.load(table.audio_path(0), sr=None)
    assert (len(samples), rate) == (22_050, 22_050)
    assert [row for row in range(40) if table.lyrics_text(row) is None] == [19, 39]


def test_another_recipe_in_the_same_folder_is_refused(small: Path):
    with pytest.raises(ValueError, match=r"'seed': 0.*'seed': 5.*choose another --out"):
        prepare(small, n_songs=40, seed=5, duration_s=1.0)
    assert json.loads((small / "recipe.json").read_text())["seed"] == 0


def test_a_folder_of_another_corpus_is_refused(tmp_path: Path):
    (tmp_path / "tracks.parquet").touch()
    with pytest.raises(ValueError, match="holds another corpus"):
        prepare(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_songs", 3), ("seed", -1), ("duration_s", 0.5), ("overlap", -0.1), ("overlap", math.nan), ("workers", 0)],
)
def test_arguments_out_of_range_are_refused(name: str, value: float, tmp_path: Path):
    with pytest.raises(ValueError, match=f"{name}=.*choose"):
        prepare(tmp_path, **{name: value})
    assert not any(tmp_path.iterdir())
