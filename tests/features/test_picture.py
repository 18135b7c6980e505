"""The slides' picture against a real figure, drawn by librosa and matplotlib, saved and read back."""

from pathlib import Path

import librosa
import librosa.display
import matplotlib
import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from research.features.audio import MelSettings, decode
from research.features.building import build_store
from research.features.picture import HEIGHT, WIDTH, save_jpg, song_picture, write_pictures
from research.tracks import Corpus, TrackTable

matplotlib.use("Agg")
SETTINGS = MelSettings()


def figure(mel: np.ndarray, path: Path, settings: MelSettings = SETTINGS) -> np.ndarray:
    """The slides' way: a borderless figure of 384x128 pixels, saved, and read back as values of one channel each."""
    import matplotlib.pyplot as plt

    drawing = plt.figure(figsize=(3.84, 1.28))
    drawing.add_axes([0, 0, 1, 1], frameon=False, xticks=[], yticks=[])
    librosa.display.specshow(mel.T, sr=settings.sample_rate, x_axis="time", y_axis="mel", cmap="magma")
    drawing.savefig(path, dpi=100, pad_inches=0)
    plt.close(drawing)
    return np.array(Image.open(path).convert("RGB"))


def own_jpg(mel: np.ndarray, path: Path) -> np.ndarray:
    save_jpg(song_picture(mel, SETTINGS), path)
    return np.array(Image.open(path))


def sound(duration_s: float, sample_rate: int = SETTINGS.sample_rate) -> np.ndarray:
    """A rising tone in noise, louder and softer twice a second."""
    t = np.arange(round(duration_s * sample_rate)) / sample_rate
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(t))
    return ((1.2 + np.sin(4 * np.pi * t)) * np.sin(2 * np.pi * (200 + 80 * t) * t) + noise).astype(np.float32)


def decibels(samples: np.ndarray, settings: MelSettings = SETTINGS) -> np.ndarray:
    power = librosa.feature.melspectrogram(y=samples, sr=settings.sample_rate, n_mels=settings.n_mels)
    return librosa.power_to_db(power, ref=np.max).T


@pytest.mark.parametrize(
    ("duration_s", "settings"),
    # 30 s are squeezed 3.4 times, 5 s are stretched; other settings move the bands on the frequency axis.
    [(30.0, SETTINGS), (5.0, SETTINGS), (11.0, MelSettings(sample_rate=16_000, n_mels=96))],
)
def test_every_pixel_is_the_figures(tmp_path, duration_s, settings):
    mel = decibels(sound(duration_s, settings.sample_rate), settings)
    own, expected = song_picture(mel, settings), figure(mel, tmp_path / "figure.png", settings)
    np.testing.assert_array_equal(own[:, 1:], expected[:, 1:])
    # The left edge of the figure is spotted by the axis' tick marks, some 3 rows at each of 6 octaves.
    assert (own[:, 0] != expected[:, 0]).any(axis=1).sum() < 20


def test_jpgs_are_the_figures(tmp_path):
    mel = decibels(sound(30.0))
    expected = figure(mel, tmp_path / "figure.jpg")
    found = own_jpg(mel, tmp_path / "train" / "sad" / "own.jpg")
    # The same encoder on the same pixels, but for the tick marks of the figure's left edge: JPG spreads them over its
    # first 16 pixels, and colour, kept at half the resolution, one step further.
    np.testing.assert_array_equal(found[:, 18:], expected[:, 18:])


def test_the_reference_of_the_decibels_changes_nothing():
    mel = decibels(sound(3.0))
    # A shift of a power of two is exact in float32 where the sum is, and costs half a bit elsewhere: 1 level of 256.
    difference = song_picture(mel + np.float32(32), SETTINGS).astype(int) - song_picture(mel, SETTINGS)
    assert np.abs(difference).max() <= 4  # one level of magma moves no channel by more than 4
    assert (difference == 0).mean() > 0.999


def test_silence_is_black_and_one_frame_is_enough():
    picture = song_picture(np.full((1, 128), -100, np.float32), SETTINGS)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert (picture == [0, 0, 4]).all()  # magma's first colour, #000004


def test_other_bands_are_refused():
    with pytest.raises(ValueError, match=r"7 frames of 64 bands: give frames made with .*n_mels=128"):
        song_picture(np.zeros((7, 64), np.float32), SETTINGS)
    with pytest.raises(ValueError, match="0 frames of 128 bands"):
        song_picture(np.zeros((0, 128), np.float32), SETTINGS)


@pytest.fixture
def tracks(tmp_path):
    """Two songs with sound, one of them without mood, and one of words alone."""
    soundfile.write(tmp_path / "tone.wav", sound(2.0) / 3, SETTINGS.sample_rate)
    rows = [("a", "sad", "tone.wav"), ("b", None, "tone.wav"), ("words", "happy", None)]
    frame = pd.DataFrame(rows, columns=["track_id", "mood", "audio"], dtype=object)
    return TrackTable(Corpus(name="toy", labels=("happy", "sad"), citation="none", licence="CC0"), frame, tmp_path)


def test_pictures_lie_by_part_and_mood_and_are_kept(tracks, tmp_path):
    store = build_store(tracks, tmp_path / "mel", SETTINGS, workers=1)
    parts, folder = {"train": np.array([0, 1]), "test": np.array([2, 0])}, tmp_path / "pictures"
    assert write_pictures(tracks, store, parts, folder) == 2
    files = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.*"))]
    assert files == ["test/sad/a.jpg", "train/sad/a.jpg"]
    assert write_pictures(tracks, store, parts, folder) == 0
    found = np.array(Image.open(folder / "train" / "sad" / "a.jpg")).astype(float)
    own = song_picture(store.song("a"), SETTINGS).astype(float)
    # JPG keeps this much of a noisy picture: its colours have half the resolution.
    assert np.corrcoef(found.ravel(), own.ravel())[0, 1] > 0.95


def test_a_name_that_leaves_the_folder_is_refused(tracks, tmp_path):
    store = build_store(tracks, tmp_path / "mel", SETTINGS, workers=1)
    store._rows["../a"] = 0
    tracks.frame.loc[0, "track_id"] = "../a"
    with pytest.raises(ValueError, match=r"track_id '../a' cannot name a file; rename it"):
        write_pictures(tracks, store, {"train": np.array([0])}, tmp_path / "pictures")


@pytest.mark.real_data
def test_real_songs_look_like_their_figures(real_data, tmp_path):
    clips = sorted((real_data / "qaed4" / "audio").rglob("*.opus"))[::36]
    assert len(clips) >= 20
    for clip in clips:
        mel = decibels(decode(clip, SETTINGS.sample_rate))
        expected = figure(mel, tmp_path / "figure.jpg").astype(float)
        found = own_jpg(mel, tmp_path / "own.jpg").astype(float)
        # .99 is what the baseline needs; the same levels through the same encoder give more.
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99, clip.name
