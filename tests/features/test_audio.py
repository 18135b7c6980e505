"""Decoding and log-mel spectrograms, held to librosa, and every kind of broken file."""

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from research.features.audio import (
    MelSettings,
    decode,
    load_log_mel,
    log_mel,
    mel_filters,
    window_starts,
)
from research.features.containers import CONTAINER_SUFFIXES
from research.features.files import AUDIO_SUFFIXES, AudioError

SETTINGS = MelSettings()
# float32 rounding of powers summed in another order, in dB; the slides' pictures resolve 0.3 dB.
MEL_TOLERANCE_DB = 1e-3


def noise(duration_s, rate=22_050, channels=1, seed=0):
    shape = (round(duration_s * rate), channels)
    return (0.1 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def librosa_log_mel(samples, settings=SETTINGS):
    power = librosa.feature.melspectrogram(
        y=samples,
        sr=settings.sample_rate,
        n_fft=settings.n_fft,
        hop_length=settings.hop_length,
        n_mels=settings.n_mels,
    )
    return librosa.power_to_db(power, ref=1.0, top_db=settings.top_db).T


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        MelSettings(sample_rate=12_000, n_fft=512, hop_length=256, n_mels=96),
        MelSettings(sample_rate=1_600, n_fft=256, n_mels=20),
    ],
)
def test_filters_are_librosas(settings):
    expected = librosa.filters.mel(sr=settings.sample_rate, n_fft=settings.n_fft, n_mels=settings.n_mels)
    # Weights are at most 0.05; 1e-8 is a few units in their last place.
    np.testing.assert_allclose(mel_filters(settings), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("duration_s", [0.001, 0.3, 3.0])
def test_log_mel_is_librosas(duration_s):
    samples = noise(duration_s)[:, 0]
    np.testing.assert_allclose(log_mel(samples, SETTINGS), librosa_log_mel(samples), rtol=0, atol=MEL_TOLERANCE_DB)


def test_log_mel_keeps_top_db_below_the_loudest_value_of_the_song():
    samples = np.concatenate([noise(1.0)[:, 0], np.zeros(22_050, np.float32)])
    mel = log_mel(samples, SETTINGS)
    assert mel.max() - mel.min() == pytest.approx(80, abs=1e-4)  # float32 at 100 dB resolves 8e-6
    np.testing.assert_allclose(mel, librosa_log_mel(samples), rtol=0, atol=MEL_TOLERANCE_DB)


def test_silence_is_minus_100_db():
    mel = log_mel(np.zeros(22_050, np.float32), SETTINGS)
    np.testing.assert_allclose(mel, -100, rtol=0, atol=1e-4)  # float32 at 100 dB resolves 8e-6


def test_twice_the_amplitude_is_6_db_more():
    samples = noise(1.0)[:, 0]
    gain_db = log_mel(2 * samples, SETTINGS) - log_mel(samples, SETTINGS)
    np.testing.assert_allclose(gain_db, 20 * np.log10(2), rtol=0, atol=1e-4)  # float32 at 40 dB resolves 4e-6


# FLAC and Vorbis need a rate and channels they know; 8 channels and 192 kHz are what studios deliver.
@pytest.mark.parametrize(
    ("name", "rate", "channels", "options"),
    [
        ("song.wav", 44_100, 2, {}),
        ("song.wav", 192_000, 8, {"subtype": "PCM_24"}),
        ("song.flac", 32_000, 1, {}),
        ("song.wav", 22_050, 2, {"subtype": "FLOAT"}),
        ("song.ogg", 48_000, 2, {}),
        ("song.opus", 48_000, 2, {"format": "OGG", "subtype": "OPUS"}),
        ("song.mp3", 44_100, 2, {"format": "MP3"}),
        ("song.wav", 8_000, 1, {"subtype": "ULAW"}),
    ],
)
def test_decode_is_librosas(tmp_path, name, rate, channels, options):
    path = tmp_path / name
    soundfile.write(path, noise(2.1, rate, channels), rate, **options)
    expected, _ = librosa.load(path, sr=22_050, res_type="soxr_hq")
    # Only the order of float32 sums over channels differs.
    np.testing.assert_allclose(decode(path, 22_050), expected, rtol=0, atol=1e-6)


def test_three_tenths_of_a_second_suffice(tmp_path):
    soundfile.write(tmp_path / "short.wav", noise(0.3, 44_100), 44_100)
    assert load_log_mel(tmp_path / "short.wav", SETTINGS).shape == (1 + 6_615 // 512, 128)


def test_one_sample_suffices(tmp_path):
    soundfile.write(tmp_path / "click.wav", np.ones((1, 1)), 192_000)
    assert decode(tmp_path / "click.wav", 22_050).shape == (1,)


@pytest.mark.parametrize("offset_s", [0.1, 2.0, 3.5])
@pytest.mark.parametrize(("name", "options"), [("song.wav", {}), ("song.mp3", {"format": "MP3"})])
def test_a_part_is_cut_from_the_whole(tmp_path, name, options, offset_s):
    path = tmp_path / name
    soundfile.write(path, noise(5.0), 22_050, **options)
    whole, part = decode(path, 22_050), decode(path, 22_050, offset_s=offset_s, duration_s=1.5)
    first = round(offset_s * 22_050)
    # The MP3 decoder's sums start elsewhere: float32 rounding, where a jump without preroll is off by 0.2.
    np.testing.assert_allclose(part, whole[first : first + 33_075], rtol=0, atol=1e-6)
    assert len(decode(path, 22_050, offset_s=4.0, duration_s=9.0)) == len(whole) - 4 * 22_050


def write_cut_short(path, fraction, **options):
    soundfile.write(path, noise(10.0, 44_100, 2), 44_100, **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(fraction * len(data))])


@pytest.mark.parametrize(("name", "options"), [("half.mp3", {"format": "MP3"}), ("half.flac", {})])
def test_a_song_cut_short_is_kept_as_far_as_it_goes(tmp_path, name, options):
    path = tmp_path / name
    write_cut_short(path, 0.5, **options)
    samples = decode(path, 44_100)
    whole = tmp_path / f"whole_{name}"
    soundfile.write(whole, noise(10.0, 44_100, 2), 44_100, **options)
    # An MP3 loses its last frame, a FLAC the read of 1.5 s in which the damage lies.
    assert 44_100 < len(samples) <= 5.1 * 44_100
    n_sure = len(samples) - 1_152  # the MP3 decoder fades out where its input ends
    np.testing.assert_array_equal(samples[:n_sure], decode(whole, 44_100)[:n_sure])


def write_not_finite(path, value):
    samples = noise(1.0)
    samples[500] = value
    soundfile.write(path, samples, 22_050, subtype="FLOAT")


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("text.mp3", lambda path: path.write_text("no song\n" * 9_000), "text.mp3 cannot be decoded .* convert it"),
        ("page.wav", lambda path: path.write_text("<html>" + "x" * 999), "page.wav cannot be decoded .* convert it"),
        ("empty.mp3", lambda path: path.write_bytes(b""), "empty.mp3 cannot be decoded .* get it again"),
        ("none.wav", lambda path: soundfile.write(path, np.zeros((0, 1)), 22_050), "none.wav lasts 0 s"),
        ("cut.mp3", lambda path: write_cut_short(path, 0.05, format="MP3"), r"cut.mp3 is cut short: only 0\.\d+ s of"),
        ("cut.flac", lambda path: write_cut_short(path, 0.05), "cut.flac is cut short: only 0.00 s .* download"),
        ("nan.wav", lambda path: write_not_finite(path, np.nan), "nan.wav holds samples that are not finite"),
        ("inf.wav", lambda path: write_not_finite(path, np.inf), "inf.wav holds samples that are not finite"),
        ("huge.wav", lambda path: write_not_finite(path, 1e30), "huge.wav holds samples .* beyond 1e.06"),
        ("folder.wav", lambda path: path.mkdir(), "folder.wav does not exist or is no file"),
        ("missing.wav", lambda path: None, "missing.wav does not exist .* column audio"),
    ],
)
def test_unusable_files_are_refused_by_name(tmp_path, name, write, message):
    write(tmp_path / name)
    with pytest.raises(AudioError, match=message):
        decode(tmp_path / name, 22_050)


@pytest.mark.parametrize("offset_s", [40.0, 2.0, -1.0])
def test_an_offset_outside_the_song_is_refused(tmp_path, offset_s):
    soundfile.write(tmp_path / "song.wav", noise(2.0), 22_050)
    with pytest.raises(AudioError, match=rf"song.wav lasts 2 s, nothing to read from {offset_s:g} s on"):
        decode(tmp_path / "song.wav", 22_050, offset_s=offset_s)


def test_window_starts_by_hand():
    assert window_starts(n_frames=110, window_frames=10, count=5).tolist() == [0, 25, 50, 75, 100]
    assert window_starts(n_frames=7, window_frames=10, count=3).tolist() == [0, 0, 0]


@given(st.integers(1, 10_000), st.integers(1, 500), st.integers(1, 20))
def test_windows_stay_within_the_song(n_frames, window_frames, count):
    starts = window_starts(n_frames, window_frames, count)
    assert len(starts) == count
    assert starts[0] == 0
    assert starts.max() <= max(n_frames - window_frames, 0)


@pytest.mark.real_data
@pytest.mark.parametrize("pattern", ["jamendolyrics/mp3/*.mp3", "qaed4/audio/*/*.opus"])
def test_real_songs_are_librosas(real_data, pattern):
    paths = sorted(real_data.glob(pattern))[:4]
    assert paths, f"no {pattern} in MOOD_DATA"
    for path in paths:
        expected = librosa_log_mel(librosa.load(path, sr=22_050, res_type="soxr_hq")[0])
        np.testing.assert_allclose(load_log_mel(path, SETTINGS), expected, rtol=0, atol=MEL_TOLERANCE_DB)


CODECS = {".wma": "wmav2", ".webm": "libopus", ".mka": "libopus"}


@pytest.mark.parametrize("suffix", sorted(CONTAINER_SUFFIXES))
def test_every_container_that_is_taken_from_a_folder_decodes(tmp_path, encode, suffix):
    kind = {".m4b": ".mp4", ".mka": ".mkv"}.get(suffix, suffix)  # the names by which FFmpeg knows how to write them
    path = encode(tmp_path / f"song{kind}", noise(2.0, 48_000), 48_000, CODECS.get(suffix, "aac"))
    path = path.rename(tmp_path / f"song{suffix}")
    assert len(decode(path, 48_000)) == pytest.approx(96_000, abs=5_000)  # whole frames


@pytest.mark.parametrize("suffix", sorted(AUDIO_SUFFIXES - CONTAINER_SUFFIXES))
def test_every_kind_that_is_taken_from_a_folder_decodes(tmp_path, suffix):
    kind = {".aif": "AIFF", ".aifc": "AIFF", ".oga": "OGG", ".opus": "OGG"}.get(suffix, suffix[1:].upper())
    subtype = "OPUS" if suffix == ".opus" else None
    soundfile.write(tmp_path / f"song{suffix}", noise(1.0, 48_000), 48_000, format=kind, subtype=subtype)
    assert len(decode(tmp_path / f"song{suffix}", 48_000)) == pytest.approx(48_000, abs=2_500)  # an MP3 is padded
