"""What is heard of a song, and when."""

import numpy as np
import pytest
import soundfile

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
