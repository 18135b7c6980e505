"""Samples in a store: rounded, never clipped, read in windows that are those of the whole song's spectrogram."""

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from research.features.audio import MelSettings, decode, load_log_mel
from research.features.building import build_store
from research.features.shards import FrontEnd
from research.features.store import open_store
from research.features.waveforms import FULL_SCALE, Waveforms, unpack
from research.models.log_mel import LogMel
from research.tracks import Corpus, TrackTable

MEL = MelSettings(n_mels=32)
WAVEFORMS = Waveforms(mel=MEL)
PEAKS = {"quiet": 0.004, "plain": 0.7, "loud": 3.0}
"""Loudest sample; 3.0 is far beyond full scale, as decoded MP3s may be."""
ROUNDING_DB = 0.5
"""int16 puts noise 98 dB below full scale, 92 to 98 below a song's loudest sample, which 80 dB below its loudest value
matters by so much at most: 0.45 dB in 120 real songs."""


@pytest.fixture(scope="module")
def tracks(tmp_path_factory) -> TrackTable:
    """Songs of a second, a tone and noise that fade by 104 dB; one of silence, one that is no song."""
    folder, generator = tmp_path_factory.mktemp("songs"), np.random.default_rng(0)
    at = np.arange(22_050) / 22_050
    for name, peak in PEAKS.items():
        samples = np.exp(-12 * at) * (np.sin(2 * np.pi * 880 * at) + 0.01 * generator.standard_normal(len(at)))
        soundfile.write(folder / f"{name}.wav", peak * samples / np.abs(samples).max(), 22_050, subtype="FLOAT")
    soundfile.write(folder / "silence.wav", np.zeros(22_050), 22_050)
    (folder / "broken.wav").write_text("no song")
    rows = [
        {"track_id": name, "artist": None, "audio": f"{name}.wav", "lyrics": None}
        for name in (*PEAKS, "silence", "broken")
    ]
    corpus = Corpus(name="noise", labels=(), citation="none", licence="CC0")
    return TrackTable(corpus, pd.DataFrame(rows, dtype=object), folder)


@pytest.fixture(scope="module")
def store(tracks):
    return build_store(tracks, tracks.folder / "waveform", WAVEFORMS, workers=1)


def window(store, song: str, start: int, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    rows = store.windows(store.rows([song]), np.array([start]), frames + 2 * WAVEFORMS.context)
    return unpack(torch.from_numpy(rows), WAVEFORMS)


@pytest.mark.parametrize("song", [*PEAKS, "silence"])
def test_samples_come_back_unclipped_to_half_a_step(tracks, store, song):
    samples = decode(tracks.folder / f"{song}.wav", 22_050)
    n_frames = 1 + len(samples) // 512
    found = window(store, song, 0, n_frames)[0][0].numpy()
    step = 2.0 ** np.ceil(np.log2(PEAKS[song])) / FULL_SCALE if song in PEAKS else 0.0
    # Half a step, and float32 rounding of the product.
    np.testing.assert_allclose(found[1_024:][: len(samples)], samples, rtol=1e-6, atol=0.501 * step)
    assert not found[:1_024].any()
    assert not found[1_024 + len(samples) :].any()


@pytest.mark.parametrize("song", [*PEAKS, "silence"])
@pytest.mark.parametrize("start", [0, 17, 34])
def test_windows_are_those_of_the_songs_spectrogram(tracks, store, song, start):
    whole = load_log_mel(tracks.folder / f"{song}.wav", MEL)  # 44 frames
    found = LogMel(MEL)(*window(store, song, start, 10))[0].T.numpy()
    expected = whole[start : start + 10]
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING_DB)
    assert (expected.min() == whole.min()) == (start > 0 or song == "silence")
    assert found.min() == pytest.approx(expected.min(), abs=0.006 if start else ROUNDING_DB)  # the range's own place


def test_it_is_a_store_of_int16_beside_that_of_float16(tracks, store):
    assert isinstance(WAVEFORMS, FrontEnd)
    names = {path.name for path in store.folder.iterdir() if not path.name.startswith(".")}
    assert names == {"mel.i16", "index.jsonl", "settings.json", "complete.json"}
    n_rows = sum(store.n_frames([*PEAKS, "silence"]))
    assert n_rows == 4 * (44 + 2 * WAVEFORMS.context)
    assert (store.folder / "mel.i16").stat().st_size == n_rows * (512 + 2) * 2
    assert list(store.skipped) == ["broken"]
    with pytest.raises(ValueError, match=r"waveform was made with .*'n_mels': 32.* asked for is .*'n_mels': 64"):
        open_store(store.folder, Waveforms(mel=MelSettings(n_mels=64)))


@pytest.mark.parametrize(("n_fft", "hop_length"), [(2_048, 400), (512, 512), (400, 160)])
def test_hops_need_not_divide_windows(tracks, n_fft, hop_length):
    mel = MelSettings(n_mels=16, n_fft=n_fft, hop_length=hop_length)
    waveforms, path = Waveforms(mel=mel), tracks.folder / "plain.wav"
    rows = torch.from_numpy(waveforms.frames(path))[3 : 3 + 9 + 2 * waveforms.context]
    found = LogMel(mel)(*unpack(rows[None], waveforms))[0].T.numpy()
    np.testing.assert_allclose(found, load_log_mel(path, mel)[3:12], rtol=0, atol=ROUNDING_DB)
