"""EMOPIA, small, played by a stand-in for FluidSynth."""

import sys

import pytest

from data_prep.corpora.emopia import prepare

CLIPS = {"Q1_0vLPYiPN7qY_0": (1, "train"), "Q3_P_We4q3g_U_2": (3, "val"), "Q4_0vLPYiPN7qY_1": (4, "train")}
# Writes a tone whose pitch the MIDI file names; its arguments are those of FluidSynth: ... -F TARGET SOUNDFONT MIDI.
PLAYER = f"""#!{sys.executable}
import sys
from pathlib import Path
import numpy, soundfile
target, midi = sys.argv[sys.argv.index("-F") + 1], Path(sys.argv[-1])
if midi.read_bytes() == b"broken":
    sys.exit("fluidsynth: error: not a MIDI file")
wave = 0.3 * numpy.sin(numpy.arange(4000) * float(midi.read_text()))
soundfile.write(target, wave, 8000, format=sys.argv[sys.argv.index("-T") + 1])
"""


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "EMOPIA_2.2"
    for name in ("midis", "split"):
        (folder / name).mkdir(parents=True)
    rows = [f"{clip},{quadrant},A" for clip, (quadrant, _) in CLIPS.items()]
    (folder / "label.csv").write_text("\n".join(["ID,4Q,annotator", *rows]) + "\n")
    for part in ("train", "val", "test"):
        own = [f"{clip},Q{quadrant}" for clip, (quadrant, split) in CLIPS.items() if split == part]
        (folder / f"split/{part}.csv").write_text("\n".join(["fname,label", *own]) + "\n")
    for number, clip in enumerate(CLIPS):
        (folder / f"midis/{clip}.mid").write_text(str(0.2 + 0.1 * number))
    return folder


@pytest.fixture
def soundfont(tmp_path, monkeypatch):
    """Puts the stand-in on the path."""
    player = tmp_path / "bin/fluidsynth"
    player.parent.mkdir()
    player.write_text(PLAYER)
    player.chmod(0o755)
    monkeypatch.setenv("PATH", str(player.parent))
    path = tmp_path / "piano.sf2"
    path.touch()
    return path


def test_clips_are_played_once_and_go_by_performance(source, soundfont, tmp_path):
    table = prepare(source, tmp_path / "out", soundfont=soundfont)
    assert table.frame[["track_id", "artist", "mood", "split"]].values.tolist() == [
        ["Q1_0vLPYiPN7qY_0", "0vLPYiPN7qY", "happy", "train"],
        ["Q3_P_We4q3g_U_2", "P_We4q3g_U", "sad", "valid"],
        ["Q4_0vLPYiPN7qY_1", "0vLPYiPN7qY", "relaxed", "train"],
    ]
    assert table.frame["audio"].tolist() == [f"audio/{clip}.flac" for clip in CLIPS]
    played = [(tmp_path / f"out/audio/{clip}.flac").stat().st_ino for clip in CLIPS]
    prepare(source, tmp_path / "out", soundfont=soundfont)
    assert [(tmp_path / f"out/audio/{clip}.flac").stat().st_ino for clip in CLIPS] == played


def test_recordings_are_taken_before_midi(source, soundfont, tmp_path, tone):
    recording = tone(source / "audio/Q1_0vLPYiPN7qY_0.wav", 700)
    table = prepare(source, tmp_path / "out", soundfont=soundfont)
    assert table.audio_path(0).read_bytes() == recording.read_bytes()
    assert table.audio_path(1).suffix == ".flac"


def test_what_is_missing_is_said(source, soundfont, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"gone\.sf2 does not exist; .*--soundfont"):
        prepare(source, tmp_path / "out", soundfont=tmp_path / "gone.sf2")
    midi = source / "midis/Q3_P_We4q3g_U_2.mid"
    midi.write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"Q3_P_We4q3g_U_2\.mid: fluidsynth could not play it: .*not a MIDI file"):
        prepare(source, tmp_path / "out", soundfont=soundfont)
    midi.unlink()
    with pytest.raises(FileNotFoundError, match=r"Q3_P_We4q3g_U_2\.mid does not exist; unpack the whole archive"):
        prepare(source, tmp_path / "out", soundfont=soundfont)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"program fluidsynth does not exist here.*apt install"):
        prepare(source, tmp_path / "out", soundfont=soundfont)


def test_a_clip_cannot_be_played_to_outside_the_corpus(source, soundfont, tmp_path):
    with (source / "label.csv").open("a") as table:
        table.write("../../escaped,1,A\n")
    (source.parent / "escaped.mid").write_text("0.5")  # where the id leads from `midis`
    with pytest.raises(ValueError, match=r"label\.csv:5: id cannot name a file: '\.\./\.\./escaped'"):
        prepare(source, tmp_path / "out", soundfont=soundfont)
    assert not (tmp_path / "escaped.flac").exists()
