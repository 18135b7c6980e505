"""Songs of noise, and where their store goes."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from research.tracks import Corpus, TrackTable

CORPUS = Corpus(name="noise", labels=(), citation="none", licence="CC0")
DURATIONS_S = (1.0, 0.3, 2.0, 0.7, 1.5)


@pytest.fixture
def table():
    """Makes a table of a folder and its sound files by track."""

    def made(folder, audio):
        rows = [{"track_id": name, "artist": None, "audio": path, "lyrics": None} for name, path in audio.items()]
        return TrackTable(CORPUS, pd.DataFrame(rows, dtype=object), folder)

    return made


@pytest.fixture
def tracks(tmp_path, table):
    """Five songs of noise, a track without audio and one whose audio is broken."""
    generator, audio = np.random.default_rng(0), {}
    for number, duration_s in enumerate(DURATIONS_S):
        samples = 0.1 * generator.standard_normal(round(22_050 * duration_s))
        soundfile.write(tmp_path / f"{number}.wav", samples, 22_050)
        audio[f"s{number}"] = f"{number}.wav"
    (tmp_path / "broken.mp3").write_text("no song")
    return table(tmp_path, audio | {"words": None, "broken": "broken.mp3"})


@pytest.fixture
def mel_folder(tmp_path):
    return tmp_path / "mel"
