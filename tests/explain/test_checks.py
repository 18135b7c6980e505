"""The two checks on maps that are known, the page, and the command."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import expit

from research.cli import main
from research.explain.checks import TILE, delete_sound, delete_words, deletion, likeness, tile_weights
from research.explain.figure import LETTERS, draw_explanation
from research.explain.sound import tile_numbers
from research.features.lyrics import clean_lyrics

from .conftest import LYRICS


def test_deletion_of_an_additive_answer():
    weights = np.arange(10.0)

    def probability(gone):
        return 1 - weights[gone].sum() / weights.sum()

    found = deletion(weights, probability, np.random.default_rng(0), shares=(0.2, 0.5), random_orders=400)
    assert found.by_map == pytest.approx([1 - 17 / 45, 1 - 35 / 45], abs=1e-12)  # without 9 + 8; 9 to 5
    # A random half takes a half; standard error of 400 orders below .01.
    assert found.by_chance == pytest.approx([0.8, 0.5], abs=0.03)
    assert found.gain == pytest.approx(np.mean(found.by_chance - found.by_map), abs=1e-12)
    assert deletion(-weights, probability, np.random.default_rng(0)).gain < 0  # a map that has it upside down


@pytest.fixture(scope="module")
def found(gated, material):
    return gated.explain(material, "sad", sound_steps=4, word_steps=8)


def test_deletion_reaches_what_a_model_reads(gated, material, found):
    class Additive:
        """Hears the energy of the first tile alone, and counts a word."""

        read = staticmethod(gated.read)

        @staticmethod
        def log_odds(material, label):
            (pieces,) = material.sound.pieces.values()
            first = (tile_numbers(found.sound.shape, TILE) == 0)[pieces.frame_of[:, None], pieces.band_of[:, None]]
            heard = (pieces.mel != pieces.neutral).numpy()[first].mean()
            return heard + material.text.words.count("happy")

    first = (tile_numbers(found.sound.shape, TILE) == 0).astype(float)
    words = tuple(replace(word, weight=float(word.text == "happy")) for word in found.words)
    known, generator = replace(found, sound=first, words=words), np.random.default_rng(0)
    # By hand: with the tile 1 + 2 words, without it 0 + 2, without the words 1 + 0.
    assert delete_sound(Additive, material, known, generator).by_map == pytest.approx(expit([2, 2, 2]), abs=1e-6)
    by_words = delete_words(Additive, material, clean_lyrics(LYRICS), known, generator)
    assert by_words.by_map == pytest.approx(expit([1, 1, 1]), abs=1e-6)  # 2 of 15 words are .1, rounded
    assert by_words.gain > 0
    assert tile_weights(known.sound).tolist() == [43 * 16, *[0] * 5]


def test_another_network_has_another_map(gated, material, found):
    assert likeness(found, found) == pytest.approx((1.0, 1.0))
    other = gated.randomised(torch.Generator().manual_seed(0), encoders=True)
    sound, words = likeness(found, other.explain(material, "sad", sound_steps=4, word_steps=8))
    assert sound < 0.7
    assert words < 0.7
    assert gated.log_odds(material, "sad") == found.log_odds  # the explained model itself is as it was
    head = gated.randomised(torch.Generator().manual_seed(0), encoders=False)
    assert head.log_odds(material, "sad") != found.log_odds
    before, after = (explainer._model.audio.state_dict() for explainer in (gated, head))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_page_names_what_it_shows(found):
    figure = draw_explanation(found, {"happy": 0.2, "sad": 0.7, "angry": 0.1}, "song $1")
    sound, words, shares, _ = figure.axes
    assert "log-odds of sad" in sound.get_title(loc="left")
    assert (sound.get_xlabel(), sound.get_ylabel()) == ("seconds", "frequency, Hz")
    assert [text.get_text() for text in words.texts] == clean_lyrics(LYRICS).split()
    assert len({text.get_position() for text in words.texts}) == len(words.texts) <= LETTERS
    assert [label.get_text() for label in shares.get_yticklabels()] == ["angry", "happy", "sad"]


def test_the_command_draws_and_tells(gated, song, tmp_path, capsys):
    (tmp_path / "song.wav").write_bytes(song.read_bytes())
    (tmp_path / "song.txt").write_text(LYRICS)
    run, picture = str(gated._predictor.run.path), tmp_path / "song.png"
    asked = ["explain", str(tmp_path / "song.wav"), "--run", run, "--out", str(picture)]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [word["text"] for word in told["words"]] == clean_lyrics(LYRICS).split()
    assert math.isfinite(told["audio"])
    assert main([*asked, "--label", "glad"]) == 2
    assert "knows no 'glad'; it knows happy, sad, angry, calm" in capsys.readouterr().err
    (tmp_path / "song.txt").write_bytes(b"\xff")
    assert main(asked) == 1
    assert "song.wav" in capsys.readouterr().err
    assert main([*asked, "--lyrics", str(tmp_path / "none.txt")]) == 2
    assert "none.txt cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("picture", "why"), [("song.words", "use .png, .pdf or .svg"), ("song", "use .png"), ("no/song.png", "create it")]
)
def test_a_picture_that_cannot_be_drawn_is_refused_before_the_model_is_loaded(tmp_path, capsys, picture, why):
    no_run = str(tmp_path / "no-run")
    assert main(["explain", "song.mp3", "--run", no_run, "--out", str(tmp_path / picture)]) == 2
    told = capsys.readouterr()
    assert re.search(rf"{picture} .*{why}", told.err)
    assert "no-run" not in told.err


def test_a_label_that_is_mood_and_tag_is_drawn_among_the_moods(overlapping, song, tmp_path, monkeypatch, capsys):
    drawn = {}

    def kept(found, probabilities, title, path):
        drawn[found.label] = probabilities

    monkeypatch.setattr("research.commands.explain.save_explanation", kept)
    run = str(overlapping._predictor.run.path)
    asked = ["explain", str(song), "--run", run, "--out", str(tmp_path / "song.png"), "--label"]
    assert [main([*asked, label]) for label in ("sad", "calm")] == [0, 0]
    assert [list(names) for names in drawn.values()] == [["happy", "sad", "angry"], ["calm", "sad"]]
    assert main([*asked, "glad"]) == 2
    assert "it knows happy, sad, angry, calm\n" in capsys.readouterr().err
