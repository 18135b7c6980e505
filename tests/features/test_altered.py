"""Altered copies: pitch, tempo and level are what was asked, and depend on the recording and the copy alone."""

import shutil

import numpy as np
import pytest
import soundfile

from research.features.altered import SAMPLE_RATE, AlteredSound, alter
from research.features.audio import MelSettings, load_log_mel
from research.features.building import build_store
from research.features.files import AudioError
from research.features.shards import FrontEnd
from research.features.store import open_store
from research.features.waveforms import Waveforms
from research.tracks import TrackTable, read_tracks

MEL = MelSettings(n_mels=16)


def tone(hertz: float, duration_s: float) -> np.ndarray:
    seconds = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.2 * np.sin(2 * np.pi * hertz * seconds)).astype(np.float32)


@pytest.fixture
def song(tmp_path):
    soundfile.write(tmp_path / "song.wav", tone(440, 2.0), SAMPLE_RATE, subtype="PCM_16")  # FLOAT's header has a time
    return tmp_path / "song.wav"


@pytest.mark.parametrize(
    ("semitones", "tempo", "gain_db"), [(2.0, 1.0, 0.0), (0.0, 0.9, 6.0), (-2.0, 1.1, -6.0), (0.0, 1.0, 0.0)]
)
def test_a_tone_has_the_pitch_length_and_level_asked_for(semitones, tempo, gain_db):
    plain = tone(440, 4.0)
    altered = alter(plain, semitones=semitones, tempo=tempo, gain_db=gain_db)
    assert len(altered) == pytest.approx(len(plain) / tempo, rel=1e-3)  # a whole number of hops
    middle = altered[SAMPLE_RATE // 2 :][: 2 * SAMPLE_RATE]  # two seconds resolve half a hertz
    loudest = np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle))))) / 2
    assert loudest == pytest.approx(440 * 2 ** (semitones / 12), abs=0.5)
    level_db = 20 * np.log10(middle.std() / plain.std())
    assert level_db == pytest.approx(gain_db, abs=1.0)  # a phase vocoder keeps the level of a tone to about that


def test_a_copy_follows_from_the_bytes_of_the_recording(song, tmp_path):
    first, second = AlteredSound(front_end=MEL, copy=1), AlteredSound(front_end=MEL, copy=2)
    assert isinstance(first, FrontEnd)
    assert first.width == 16
    frames = first.frames(song)
    np.testing.assert_array_equal(first.frames(shutil.copy(song, tmp_path / "elsewhere.wav")), frames)
    other = second.frames(song)
    assert len(other) != len(frames)  # another tempo
    assert np.abs(other.mean(axis=0) - frames.mean(axis=0)).max() > 0.1


def test_an_alteration_by_nothing_is_the_recording(song):
    still = AlteredSound(front_end=MEL, copy=1, semitones=0.0, stretch=0.0, gain_db=0.0).frames(song)
    plain = load_log_mel(song, MEL)
    within = slice(8, -8)  # both ends of a phase vocoder's output fade
    band = plain.mean(axis=0).argmax()
    np.testing.assert_allclose(still[within, band], plain[within, band], atol=0.2)  # dB


def test_what_cannot_be_decoded_is_named(tmp_path):
    (tmp_path / "broken.wav").write_text("no song")
    with pytest.raises(AudioError, match=r"broken.wav cannot be decoded"):
        AlteredSound(front_end=MEL, copy=1).frames(tmp_path / "broken.wav")


@pytest.mark.parametrize("front_end", [MEL, Waveforms(mel=MEL)])
def test_a_store_of_copies_is_kept_with_its_settings(small_table, tmp_path, front_end):
    tracks = read_tracks(small_table)
    few = TrackTable(tracks.corpus, tracks.frame.head(2), tracks.folder)
    copy = AlteredSound(front_end=front_end, copy=1)
    built = build_store(few, tmp_path / "copy", copy, workers=1)
    opened = open_store(tmp_path / "copy", copy)
    track_id = few.frame["track_id"].iloc[0]
    np.testing.assert_array_equal(opened.song(track_id), built.song(track_id))
    frames = copy.frames(few.audio_path(0)).astype(front_end.dtype)
    np.testing.assert_array_equal(opened.song(track_id), frames.astype(np.float32))
    for other in (MEL, AlteredSound(front_end=MEL, copy=2), AlteredSound(front_end=MelSettings(), copy=1)):
        with pytest.raises(ValueError, match=r"was made with .*'copy': 1.*; delete it or pass another folder"):
            open_store(tmp_path / "copy", other)
