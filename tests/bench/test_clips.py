"""The sound that is measured on."""

import numpy as np
import pytest
import soundfile

from research.bench.clips import compose, given_clips, made_clips


def test_made_clips_have_sampling_and_bit_rates_of_previews(tmp_path):
    clips = made_clips(tmp_path, clip_s=2.0, song_s=5.0)
    found = [soundfile.info(clip) for clip in clips.short]
    assert [info.samplerate for info in found] == [44_100, 32_000, 22_050]
    for info in found:
        assert info.channels == 2
        assert info.duration == pytest.approx(2.0, abs=0.1)  # an MP3 is padded to whole frames
    kbps = [8e-3 * clip.stat().st_size / info.duration for clip, info in zip(clips.short, found, strict=True)]
    assert kbps == pytest.approx([96, 96, 64], rel=0.05)  # 5 %: the header of a clip of 2 s
    assert soundfile.info(clips.song).duration == pytest.approx(5.0, abs=0.1)


def test_a_clip_is_loud_but_not_clipped_and_repeats():
    first, again = (compose(3.0, 22_050, np.random.default_rng(0)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert 0.2 < np.abs(first).max() < 1
    assert not np.array_equal(first[:, 0], first[:, 1])


@pytest.mark.parametrize("name", ["song.flac", "song.aiff"])
def test_given_songs_are_cut_from_their_middle(tmp_path, name):
    ramp = np.repeat(np.linspace(-0.5, 0.5, 100), 441).astype(np.float32)  # 1 s at 44.1 kHz, a step each 10 ms
    soundfile.write(tmp_path / name, np.repeat(ramp, 4), 44_100)
    (tmp_path / "notes.txt").write_text("no sound")
    (tmp_path / "work").mkdir()
    clips = given_clips(tmp_path, tmp_path / "work", clip_s=2.0, song_s=3.0)
    samples, rate = soundfile.read(clips.short[0])
    assert len(clips.short) == 1
    assert len(samples) / rate == pytest.approx(2.0, abs=0.1)
    assert np.abs(samples[rate // 2 : -rate // 2]).max() < 0.3  # the ends of the ramp, at 0.5, are gone


def test_a_folder_without_sound_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no sound")
    with pytest.raises(ValueError, match=r"contains no audio file .* give another --clips folder"):
        given_clips(tmp_path, tmp_path, clip_s=2.0, song_s=3.0)


def test_a_broken_song_is_refused(tmp_path):
    (tmp_path / "song.mp3").write_text("no sound")
    with pytest.raises(ValueError, match="give songs of 48 kHz at most that soundfile reads"):
        given_clips(tmp_path, tmp_path, clip_s=2.0, song_s=3.0)
