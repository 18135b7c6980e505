"""Attributions add up to what the log-odds lose, lie where they belong, for every kind of encoder."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import logit
from torch import nn

from research.explain import Explainer
from research.explain.explainer import Material
from research.explain.sound import Pieces, tile_numbers
from research.explain.words import read_text, without_words
from research.features.lyrics import clean_lyrics
from research.inference.words import Reader
from research.models import frozen as frozen_module
from research.models.published import PUBLISHED

from .conftest import LYRICS

# The rule of 16 points on ReLU networks and a softmax that hardly bend between the two ends.
CLOSE = {"rel": 0.05, "abs": 0.01}


def lost(explainer, material, label):
    """Log-odds that go with each side, the other as it is."""
    sound, text, whole = material.sound, material.text, explainer.log_odds(material, label)
    mute = {
        name: replace(pieces, mel=pieces.neutral.expand_as(pieces.mel).contiguous())
        for name, pieces in sound.pieces.items()
    }
    means = {name: explainer._mean_vectors()[name] for name in sound.fixed}
    without_sound = Material(replace(sound, pieces=mute, fixed=means), text)
    without_text = Material(sound, replace(text, input_ids=text.neutral_ids))
    return whole - explainer.log_odds(without_sound, label), whole - explainer.log_odds(without_text, label)


def check_sums(explainer, material, label):
    found = explainer.explain(material, label, sound_steps=16, word_steps=16)
    by_sound, by_words = lost(explainer, material, label)
    assert found.sound.sum() + sum(found.unplaced.values()) == pytest.approx(by_sound, **CLOSE)
    assert sum(word.weight for word in found.words) == pytest.approx(by_words, **CLOSE)
    assert max(abs(by_sound), abs(by_words)) > 0.005  # neither side is silent
    return found


def check_words(explainer, material, label="happy"):
    mute = Material(material.sound, replace(material.text, input_ids=material.text.neutral_ids))
    by_words = explainer.log_odds(material, label) - explainer.log_odds(mute, label)
    found = explainer.explain(material, label, word_steps=16)
    assert sum(word.weight for word in found.words) == pytest.approx(by_words, **CLOSE)
    assert abs(by_words) > 0.02
    assert len(found.words) == 90


def test_both_sides_add_up_and_the_odds_are_the_shown_ones(gated, material, song):
    found = check_sums(gated, material, "sad")
    done = []
    gated.explain(material, "sad", sound_steps=4, word_steps=6, advance=done.append)
    assert sum(done) == 4 + 6
    shown = gated._predictor.predict(song, LYRICS)
    # The predictor multiplies in bfloat16 where the CPU does: three digits.
    assert found.log_odds == pytest.approx(logit(shown.probabilities["sad"]), abs=0.02)
    assert gated.log_odds(material, "calm") == pytest.approx(logit(shown.tags["calm"]), abs=0.02)
    assert found.sound.shape == found.spectrogram.shape == (87, 32)  # 2 s of 512 samples at 22,050 Hz


def test_a_label_that_is_mood_and_tag_is_the_mood(overlapping):
    shown = overlapping._predictor.predict(None, LYRICS)
    words = overlapping.prepare(None, LYRICS)
    assert overlapping.log_odds(words, "sad") == pytest.approx(logit(shown.probabilities["sad"]), abs=0.02)
    assert overlapping.log_odds(words, "calm") == pytest.approx(logit(shown.tags["calm"]), abs=0.02)
    assert abs(logit(shown.probabilities["sad"]) - logit(shown.tags["sad"])) > 0.1  # one is not taken for the other
    with pytest.raises(KeyError, match="glad"):
        overlapping.log_odds(words, "glad")


@pytest.mark.parametrize(("fusion", "layers", "pooling"), [("cross_attention", 1, "mean"), ("late", 0, "lines")])
def test_tokens_frames_and_lines_add_up_too(make_predictor, song, fusion, layers, pooling):
    explainer = Explainer(make_predictor(fusion, layers, pooling))
    found = check_sums(explainer, explainer.prepare(song, LYRICS), "happy")
    # Read line by line, a line that comes again was read once, and stands where it stood first.
    assert [word.text for word in found.words][:4] == ["Don't", "stop", "the", "music"]
    if pooling == "lines":
        assert sorted({word.line for word in found.words}) == [0, 1, 4]


class Tagger(nn.Module):
    """A published network in small."""

    dim = 4

    def __init__(self):
        super().__init__()
        self.normalise = nn.BatchNorm2d(1)
        self.conv = nn.Conv2d(1, self.dim, 5)

    def forward(self, mel):
        return self.conv(self.normalise(mel.unsqueeze(1))).relu().mean(dim=(2, 3))


def test_words_beyond_one_piece_of_the_encoder_add_up(gated):
    # 64 tokens are what the small BERT reads at a time.
    text = read_text(" ".join(["oh happy day"] * 30), gated._predictor.reader.tokenizer, 0, 100, by_line=False)
    assert text.input_ids.shape[1] == 92
    check_words(gated, Material(None, text))


def test_published_networks_and_designed_features_add_up(make_predictor, song, monkeypatch):
    torch.manual_seed(0)
    network = Tagger().eval()
    network.normalise.running_mean.fill_(-20.0)
    network.normalise.running_var.fill_(400.0)
    monkeypatch.setitem(PUBLISHED, "tagger", replace(PUBLISHED["jamendo-mood-cnn"], build=Tagger, piece_frames=40))
    monkeypatch.setattr(frozen_module, "load_published", lambda name: network)
    monkeypatch.setattr("research.explain.explainer.cpu_computes_bf16", lambda: False)
    frozen_module.published_network.cache_clear()
    explainer = Explainer(make_predictor("concat", frozen=("tagger", "statistics")))
    explainer._model.audio_projection[0].spread.fill_(50.0)  # designed features reach thousands
    explainer._model.audio_projection[0].spread[: Tagger.dim] = 0.1
    found = check_sums(explainer, explainer.prepare(song, LYRICS), "angry")
    assert set(found.unplaced) == {"statistics"}
    assert found.unplaced["statistics"] != 0
    # Above its Nyquist frequency the network heard nothing; two pieces of 40 frames of 21 ms are 1.7 s.
    assert not found.sound[:, found.band_hz > 6_500].any()
    assert not found.sound[int(1.8 / found.frame_s) :].any()
    frozen_module.published_network.cache_clear()


def test_a_missing_side_is_not_explained(gated, song):
    by_sound = gated.explain(gated.prepare(song, None), "sad", sound_steps=1)
    by_words = gated.explain(gated.prepare(None, LYRICS), "sad", word_steps=1)
    assert (by_sound.words, by_words.sound, by_words.spectrogram) == ((), None, None)
    with pytest.raises(ValueError, match="give audio or lyrics, whichever this model uses"):
        gated.prepare(None, " \n")
    with pytest.raises(KeyError, match="glad"):
        gated.explain(gated.prepare(None, LYRICS), "glad")


def test_values_lie_where_they_were_heard():
    frame_of, band_of = np.array([[0, 1, 1], [2, 3, 3]]), np.array([0, 2])
    pieces = Pieces(torch.ones(2, 2, 3), torch.full((2, 1), -5.0), frame_of, band_of)
    plane = np.zeros((4, 3))
    pieces.placed(np.arange(12.0).reshape(2, 2, 3), plane)
    assert plane.tolist() == [[0, 0, 3], [3, 0, 9], [6, 0, 9], [15, 0, 21]]  # by hand; nobody hears the middle band
    gone = np.zeros((4, 3), bool)
    gone[1] = True
    assert pieces.without(gone).mel.tolist() == [[[1, -5, -5]] * 2, [[1, 1, 1]] * 2]
    assert tile_numbers((3, 5), (2, 3)).tolist() == [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [2, 2, 2, 3, 3]]


def test_pieces_of_a_recording_in_excerpts_lie_where_the_picture_has_them(gated, monkeypatch):
    monkeypatch.setattr("research.features.source.LONGEST_S", 6.0)
    monkeypatch.setattr("research.features.source.EXCERPT_S", 2.0)
    noise = np.random.default_rng(0).normal(size=20 * 22_050).astype(np.float32) / 10
    sound = gated.prepare((noise, 22_050), None).sound
    ((pieces,),) = (sound.pieces.values(),)
    assert len(sound.spectrogram) == 259  # 6 of the 20 s, a frame each 512 samples
    # Four windows of 72 frames, of which the last ends with the picture; their own mel bands are the picture's.
    assert pieces.frame_of[:, 0].tolist() == [0, 62, 125, 187]
    for mel, frames in zip(pieces.mel, pieces.frame_of, strict=True):
        np.testing.assert_allclose(mel.T, sound.spectrogram[frames], atol=1e-3)  # dB; float32


def test_tokens_belong_to_words_between_spaces(gated, small_inputs):
    predictor = gated._predictor
    tokenizer = Reader(predictor.model, small_inputs).tokenizer
    text = read_text("Don't stop!\nunbelievable", tokenizer, tokenizer.pad_token_id, 16, by_line=False)
    assert text.words == ("Don't", "stop!", "unbelievable")
    assert text.lines == (0, 0, 1)
    tokens = tokenizer.convert_ids_to_tokens(text.input_ids[0].tolist())
    own = {at: [token for token, word in zip(tokens, text.word_of[0], strict=True) if word == at] for at in (-1, 0, 1)}
    assert own == {-1: ["[CLS]", "[SEP]"], 0: ["don", "'", "t"], 1: ["stop", "!"]}
    assert [word.weight for word in text.weighed(np.ones(text.word_of.shape))][:2] == [3, 2]
    short = read_text("one two three four", tokenizer, tokenizer.pad_token_id, 4, by_line=False)
    assert [word.text for word in short.weighed(np.ones(short.word_of.shape))] == ["one", "two"]  # the rest was cut
    assert without_words(clean_lyrics(LYRICS), {1, 4}) == "Don't the music\nit shine\n\nDon't stop the music\n" + (
        "oh happy happy day"
    )
