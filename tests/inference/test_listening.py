"""What is heard of a song, and when."""

from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from research.data.songs import InputConfig
from research.features.source import OpenedSong
from research.inference.listening import listen

RATE = 22_050


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_a_song_cut_short_lasts_as_long_as_it_decodes(predictor, tmp_path, share):
    path = tmp_path / "song.flac"
    soundfile.write(path, np.random.default_rng(0).normal(size=30 * RATE) / 10, RATE)
    path.write_bytes(path.read_bytes()[: round(share * path.stat().st_size)])
    assert soundfile.info(path).duration == 30  # what it promises
    answer, heard = predictor.predict_heard(path)
    assert answer.duration_s == pytest.approx(30 * share, abs=0.3)  # FLAC comes in frames of .2 s
    assert len(heard.spectrogram) == 1 + round(answer.duration_s * RATE) // 512
    assert answer.curve[-1].end_s == pytest.approx(answer.duration_s, abs=0.03)  # a frame lasts 23 ms


class Counting:
    """A frozen encoder whose vectors are the numbers of its pieces."""

    def __init__(self, piece_s):
        self.piece_s = piece_s

    def frames(self, path):
        count = int(soundfile.info(path).duration // self.piece_s) if self.piece_s else 1
        return np.arange(max(count, 1), dtype=np.float32)[:, None]


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """Makes what encoders with pieces of these lengths hear of noise."""

    def hear(duration_s, *lengths_s):
        soundfile.write(
            tmp_path / "song.wav", np.random.default_rng(0).normal(size=round(8_000 * duration_s)) / 10, 8_000
        )
        encoders = {f"{number}": Counting(piece_s) for number, piece_s in enumerate(lengths_s)}
        monkeypatch.setattr("research.inference.listening.frozen_encoder", encoders.__getitem__)
        standard = SimpleNamespace(mean=torch.zeros(len(encoders)), spread=torch.ones(len(encoders)))
        config = SimpleNamespace(audio=SimpleNamespace(frozen=tuple(encoders)))
        model = SimpleNamespace(config=config, audio_projection=[standard])
        song = OpenedSong(tmp_path / "song.wav", duration_s, duration_s, np.zeros(1))
        return listen(song, model, InputConfig())

    return hear


def test_each_piece_meets_what_the_other_encoders_heard_then(counted):
    heard = counted(59.0, 14.96, 29.14, None)
    np.testing.assert_allclose(heard.starts_s, [0, 14.96, 29.92])
    # Middles at 7.5, 22.4 and 37.4 s: by a share of the pieces, the second met what was heard from 29 s on.
    assert heard.vectors.tolist() == [[0, 0, 0], [1, 0, 0], [2, 1, 0]]
    assert heard.whole.tolist() == [1, 0.5, 0]  # the song is the mean of each encoder's own pieces


def test_what_an_encoder_left_out_is_its_last_piece(counted):
    heard = counted(49.0, 10.0, 24.0, 40.0)
    assert heard.vectors.tolist() == [[0, 0, 0], [1, 0, 0], [2, 1, 0], [3, 1, 0]]
    assert counted(49.0, 10.0, 15.0).vectors.tolist() == [[0, 0], [1, 1], [2, 1], [3, 2]]
    assert counted(49.0, None).ends_s.tolist() == [49]
    assert counted(7.0, 10.0, 24.0).ends_s.tolist() == [7]
