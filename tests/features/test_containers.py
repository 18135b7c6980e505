"""Sound in containers that libsndfile does not read: the samples FFmpeg gives, exact parts, and files that are none."""

import subprocess
import sys

import av
import numpy as np
import pytest
import soundfile

from research.features.audio import decode
from research.features.containers import ContainerFile, is_container
from research.features.files import AudioError, open_audio
from research.features.source import open_song

RATE = 44_100
CODECS = {"song.m4a": "aac", "song.aac": "aac", "song.wma": "wmav2", "song.webm": "libopus"}


def music(duration_s: float, rate: int = RATE, channels: int = 2) -> np.ndarray:
    """A gliding tone, (samples, channels). No noise: AAC codes how loud noise is and draws it anew in decoding."""
    time_s = np.arange(round(duration_s * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * 440 * time_s * (1 + 0.1 * np.sin(time_s)))
    return np.outer(tone, np.linspace(1, 0.5, channels)).astype(np.float32)


@pytest.fixture(scope="module", params=CODECS)
def song(request, encode, tmp_path_factory):
    """12 s in each container; Opus knows 48 kHz alone."""
    rate = 48_000 if request.param.endswith("webm") else RATE
    path = tmp_path_factory.mktemp("songs") / request.param
    return encode(path, music(12.0, rate), rate, CODECS[request.param])


def test_the_whole_is_what_ffmpeg_decodes(song):
    with av.open(str(song)) as container:
        stream = container.streams.audio[0]
        expected = np.concatenate([frame.to_ndarray() for frame in container.decode(stream)], axis=1).mean(axis=0)
    with open_audio(song) as file:
        assert file.channels == 2
        assert file.frames / file.samplerate == pytest.approx(12.0, abs=0.12)  # with the encoder's padding
        found = decode(song, file.samplerate)
        assert len(found) <= file.frames
    # What the container promises may end within the last packets: 2,048 samples of AAC, 93 ms of WMA.
    assert len(expected) - 4_096 <= len(found) <= len(expected)
    np.testing.assert_allclose(found, expected[: len(found)], rtol=0, atol=1e-6)  # order of float32 sums


@pytest.mark.parametrize("offset_s", [0.1, 5.0, 10.9])
def test_a_part_is_cut_from_the_whole(song, offset_s):
    with open_audio(song) as file:
        rate = file.samplerate
    whole, part = decode(song, rate), decode(song, rate, offset_s, 0.5)
    first = round(offset_s * rate)
    np.testing.assert_array_equal(part, whole[first : first + round(0.5 * rate)])


def test_what_lies_before_a_part_is_not_decoded(encode, tmp_path, monkeypatch):
    path, converted = encode(tmp_path / "long.m4a", music(60.0), RATE, "aac"), []

    original = av.AudioResampler

    class Counting:
        def __init__(self, **options):
            self._resampler = original(**options)

        def resample(self, frame):
            converted.append(frame)
            return self._resampler.resample(frame)

    monkeypatch.setattr(av, "AudioResampler", Counting)
    with ContainerFile(path) as file:
        file.seek(50 * RATE)
        file.read(1_024, np.empty((1_024, 2), np.float32))
    assert len(converted) < 5  # of 2,584


def test_an_odd_read_takes_up_where_the_last_one_ended(song):
    with ContainerFile(song) as file:
        whole = file.read(20_000, np.empty((20_000, 2), np.float32))
    with ContainerFile(song) as file:
        parts = [file.read(size, np.empty((size, 2), np.float32)).copy() for size in (1, 700, 5_000, 14_299)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_mono_file_at_another_rate_has_the_length_of_any_other(encode, tmp_path):
    path = encode(tmp_path / "mono.m4a", music(3.0, 32_000, 1), 32_000, "aac")
    assert len(decode(path, 22_050)) == pytest.approx(3.0 * 22_050, abs=2_048)


def test_a_file_cut_short_is_kept_as_far_as_it_goes(encode, tmp_path):
    whole = encode(tmp_path / "whole.aac", music(10.0), RATE, "aac")
    data = whole.read_bytes()
    (tmp_path / "half.aac").write_bytes(data[: len(data) // 2])
    found = decode(tmp_path / "half.aac", RATE)
    assert 4 * RATE < len(found) < 6 * RATE
    n_sure = len(found) - 2_048  # the last frames miss their neighbour
    np.testing.assert_array_equal(found[:n_sure], decode(whole, RATE)[:n_sure])


def test_content_decides_and_not_the_name(song, tmp_path):
    assert is_container(song)
    renamed = tmp_path / "song.mp3"
    renamed.write_bytes(song.read_bytes())
    np.testing.assert_array_equal(decode(renamed, RATE), decode(song, RATE))
    with open_song(song.read_bytes()) as opened:
        assert opened.duration_s == pytest.approx(12.0, abs=0.12)


@pytest.mark.parametrize(
    "content",
    [b"\0\0\0\x20ftypM4A ", b"\0\0\0\x20ftypM4A " + b"x" * 9_000, b"\x1aE\xdf\xa3" + b"\0" * 900, b"\xff\xf1\0"],
)
def test_what_only_begins_like_one_is_refused(tmp_path, content):
    (tmp_path / "broken.m4a").write_bytes(content)
    with pytest.raises(AudioError, match=r"broken\.m4a cannot be decoded \(.+\); get it again, or convert it"):
        decode(tmp_path / "broken.m4a", RATE)


def test_cut_anywhere_it_is_read_or_refused_by_name(song, tmp_path):
    """None of FFmpeg's and PyAV's many errors may end a folder's work."""
    data, path = song.read_bytes(), tmp_path / song.name
    ends = np.unique(np.geomspace(2, len(data), 60).astype(int))
    kept, told = 0, []
    for end in [*ends.tolist(), *(len(data) - cut for cut in (1, 100, 700, 3_000))]:
        path.write_bytes(data[:end])
        try:
            kept += bool(len(decode(path, RATE)))
            decode(path, RATE, offset_s=0.5, duration_s=0.5)
        except AudioError as error:
            told.append(str(error))
    assert kept
    assert all(song.name in message for message in told)


def test_a_title_that_is_not_utf8_is_no_fault_of_the_song(encode, tmp_path):
    path = encode(tmp_path / "plain.m4a", music(3.0), RATE, "aac")
    with av.open(str(path)) as plain, av.open(str(tmp_path / "titled.m4a"), "w") as titled:
        titled.metadata["title"] = "Neige d-avril"
        stream = titled.add_stream_from_template(plain.streams.audio[0])
        for packet in plain.demux(plain.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                titled.mux(packet)
    data = (tmp_path / "titled.m4a").read_bytes()
    assert data.count(b"Neige d-avril") == 1
    (tmp_path / "titled.m4a").write_bytes(data.replace(b"Neige d-avril", b"Neige d\xb4avril"))
    np.testing.assert_array_equal(decode(tmp_path / "titled.m4a", RATE), decode(path, RATE))


def test_aac_behind_a_tag_is_recognised(encode, tmp_path):
    path = encode(tmp_path / "song.aac", music(3.0), RATE, "aac")
    tagged = tmp_path / "tagged.aac"
    tagged.write_bytes(b"ID3\x04\0\0\0\0\x01\x02" + bytes(130) + path.read_bytes())  # 1 * 128 + 2 bytes of tag
    assert is_container(tagged)
    assert len(decode(tagged, RATE)) == pytest.approx(3.0 * RATE, abs=4_096)


def test_a_part_is_found_where_the_song_starts_late(encode, tmp_path):
    """As beside a picture that is shown first: its first stamp is not 0."""
    path, late = encode(tmp_path / "song.m4a", music(8.0), RATE, "aac"), tmp_path / "late.mp4"
    with av.open(str(path)) as plain, av.open(str(late), "w") as moved:
        stream = moved.add_stream_from_template(plain.streams.audio[0])
        for packet in plain.demux(plain.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                packet.pts, packet.dts = packet.pts + RATE, packet.dts + RATE
                moved.mux(packet)
    with av.open(str(late)) as container:
        assert container.streams.audio[0].start_time > RATE / 2
    whole, part = decode(late, RATE), decode(late, RATE, 5.0, 0.5)
    np.testing.assert_array_equal(part, whole[5 * RATE : 5 * RATE + len(part)])


def test_a_file_that_may_not_be_read_is_named(song, monkeypatch):
    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("research.features.files.is_container", forbidden)
    with pytest.raises(AudioError, match=rf"{song.name} cannot be decoded \(Permission denied\)"):
        decode(song, RATE)


def test_a_long_song_is_decoded_once(encode, tmp_path, monkeypatch):
    path, started = encode(tmp_path / "long.aac", music(100.0), RATE, "aac"), []
    monkeypatch.setattr("research.features.source.LONGEST_S", 60.0)  # of which a third is left out
    original = ContainerFile._decoded
    monkeypatch.setattr(ContainerFile, "_decoded", lambda file, first: started.append(first) or original(file, first))
    with open_song(path) as opened:
        assert opened.file_s == pytest.approx(60.0)
        found = decode(opened.path, RATE)
    whole = decode(path, RATE)
    first = round(opened.starts_s[1] * RATE)
    np.testing.assert_array_equal(found[30 * RATE : 60 * RATE], np.clip(whole[first : first + 30 * RATE], -1, 1))
    assert started == [0] * 3  # to know its length, to read all its excerpts, and the whole here


def test_a_fault_of_who_reads_is_not_the_songs(song):
    with pytest.raises(OSError, match="disk is full"), open_audio(song):
        raise OSError(28, "disk is full")


def test_an_mp3_is_no_container(tmp_path):
    for first_bytes in (b"ID3\x04", b"\xff\xfb\x90\x64", b"\xff\xf3\x40", b"", b"RIFF"):
        (tmp_path / "song").write_bytes(first_bytes)
        assert not is_container(tmp_path / "song")


def test_pyav_is_not_imported_for_other_files(tmp_path):
    soundfile.write(tmp_path / "song.wav", music(1.0), RATE)
    program = "import sys; from pathlib import Path; from research.features.audio import decode; "
    program += "print(len(decode(Path(sys.argv[1]), 44_100)), 'av' in sys.modules)"
    command = [sys.executable, "-c", program, str(tmp_path / "song.wav")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "44100 False\n"
