"""What a step minimises: by hand from the answers, for one-side losses and mixed songs."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from research.losses.objective import mix_songs, mixing_partners, step_loss, swap_words
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.frozen import frozen_encoder
from research.models.lyrics import LyricsConfig
from tests.models.conftest import vector_batch

WIDTH = frozen_encoder("statistics").width
HAS_AUDIO, HAS_LYRICS = [True, True, False, True, False, True], [True, False, True, True, True, False]
CRITERION = nn.CrossEntropyLoss()
NEAR = {"rtol": 1e-5, "atol": 1e-6}  # float32 of order 1


@pytest.fixture
def model(tiny_bert) -> MoodClassifier:
    torch.manual_seed(0)
    lyrics = LyricsConfig(model=str(tiny_bert), trainable_layers=0)
    config = ModelConfig(audio=AudioConfig(frozen=("statistics",)), lyrics=lyrics, fusion="concat", dim=16)
    return MoodClassifier(config, n_labels=4, n_mels=32).eval()


@pytest.fixture
def batch():
    return vector_batch(WIDTH, 8, HAS_AUDIO, HAS_LYRICS)


def share_of(monkeypatch, share: float) -> list[tuple[float, float]]:
    """Let Beta draw `share`; returns the parameters it is asked with."""
    asked = []

    class Drawn:
        def __init__(self, *parameters):
            asked.append(parameters)

        def sample(self):
            return torch.tensor(share)

    monkeypatch.setattr(torch.distributions, "Beta", Drawn)
    return asked


@torch.no_grad()
@pytest.mark.parametrize("side_loss", [0.0, 0.25, 1.0])
def test_each_side_answers_for_its_songs_alone(model, batch, side_loss):
    nobody = torch.zeros(len(HAS_AUDIO), dtype=torch.bool)
    sound, words = model(replace(batch, has_lyrics=nobody)), model(replace(batch, has_audio=nobody))
    of_sound = cross_entropy(sound[HAS_AUDIO], batch.target[HAS_AUDIO])
    of_words = cross_entropy(words[HAS_LYRICS], batch.target[HAS_LYRICS])
    joint = cross_entropy(model(batch), batch.target)
    expected = (1 - side_loss) * joint + side_loss * (of_sound + of_words) / 2
    found = step_loss(model, CRITERION, batch, side_loss=side_loss, mixup=0.0, swap_lyrics=0.0)
    torch.testing.assert_close(found, expected, **NEAR)
    assert len({round(float(loss), 3) for loss in (joint, of_sound, of_words)}) == 3


@torch.no_grad()
def test_a_side_that_no_song_has_does_not_count(model, batch):
    silent = replace(batch, has_audio=torch.zeros(len(HAS_AUDIO), dtype=torch.bool))
    found = step_loss(model, CRITERION, silent, side_loss=1.0, mixup=0.0, swap_lyrics=0.0)
    expected = cross_entropy(model(silent)[HAS_LYRICS], batch.target[HAS_LYRICS])
    torch.testing.assert_close(found, expected, **NEAR)


@torch.no_grad()
def test_a_model_of_one_side_answers_for_it_anyway(batch):
    torch.manual_seed(0)
    config = ModelConfig(audio=AudioConfig(frozen=("statistics",)), lyrics=None, dim=16)
    model = MoodClassifier(config, n_labels=4, n_mels=32).eval()
    losses = [
        float(step_loss(model, CRITERION, batch, side_loss=share, mixup=0.0, swap_lyrics=0.0)) for share in (0.0, 1.0)
    ]
    assert losses[0] == losses[1] == pytest.approx(float(cross_entropy(model(batch), batch.target)), rel=1e-6)


@torch.no_grad()
def test_all_of_a_song_and_nothing_of_its_partner_is_no_mixup(model, batch, monkeypatch):
    asked = share_of(monkeypatch, 1.0)
    found = step_loss(model, CRITERION, batch, side_loss=0.5, mixup=0.2, swap_lyrics=0.0)
    plain = step_loss(model, CRITERION, batch, side_loss=0.5, mixup=0.0, swap_lyrics=0.0)
    torch.testing.assert_close(found, plain, **NEAR)
    assert asked == [(0.2, 0.2)]


@torch.no_grad()
def test_mixed_songs_owe_each_mood_its_share(model, batch, monkeypatch):
    share_of(monkeypatch, 0.3)
    partners = torch.tensor([3, 5, 4, 0, 2, 1])
    monkeypatch.setattr("research.losses.objective.mixing_partners", lambda batch: partners)
    logits = model(mix_songs(batch, partners, 0.3))
    # Zhang et al. 2018 mix the targets: the cross-entropy with soft targets is the same.
    one_hot = torch.nn.functional.one_hot(batch.target, 4).float()
    expected = cross_entropy(logits, 0.3 * one_hot + 0.7 * one_hot[partners])
    found = step_loss(model, CRITERION, batch, side_loss=0.0, mixup=1.0, swap_lyrics=0.0)
    torch.testing.assert_close(found, expected, **NEAR)


def test_mixtures_by_hand(batch):
    partners = torch.tensor([3, 5, 4, 0, 2, 1])
    mel = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 1, 32, 72)
    words = batch.attention_mask
    mixed = mix_songs(replace(batch, mel=mel.half(), attention_mask=words), partners, 0.25)
    assert mixed.mel[:, 0, 0, 0].tolist() == [2.25, 4.0, 3.5, 0.75, 2.5, 2.0]  # 0.25 i + 0.75 partner(i)
    assert mixed.mel.dtype == torch.float16
    for name in ("audio_vectors", "lyrics_vectors"):
        values = getattr(batch, name)
        torch.testing.assert_close(getattr(mixed, name), 0.25 * values + 0.75 * values[partners])
    assert torch.equal(mixed.target, batch.target)


def test_partners_are_other_songs_with_the_same_sides():
    has_audio, has_lyrics = [True] * 20 + [False] * 10 + [True] * 10 + [False], [True] * 30 + [False] * 11
    batch = vector_batch(1, 1, has_audio, has_lyrics)
    torch.manual_seed(0)
    first, second = mixing_partners(batch), mixing_partners(batch)
    for partners in (first, second):
        assert sorted(partners.tolist()) == list(range(41))
        assert torch.equal(batch.has_audio[partners], batch.has_audio)
        assert torch.equal(batch.has_lyrics[partners], batch.has_lyrics)
    assert (first != torch.arange(41)).sum() > 20
    assert not torch.equal(first, second)
    assert first[40] == 40  # the only one of its kind


def test_words_that_an_encoder_is_to_read_cannot_be_mixed(batch):
    tokens = replace(batch, lyrics_vectors=torch.zeros(6, 0))
    with pytest.raises(ValueError, match=r"cannot mix lyrics .*; set train\.mixup 0 or freeze it"):
        mix_songs(tokens, torch.arange(6), 0.5)
    no_tokens = torch.zeros(6, 0, dtype=torch.long)
    sound = replace(tokens, input_ids=no_tokens, attention_mask=no_tokens)
    assert mix_songs(sound, torch.arange(6), 0.5).lyrics_vectors.shape == (6, 0)


def test_swapped_words_come_from_other_songs_as_often_as_asked():
    has_audio, has_lyrics = [True] * 300 + [False] * 100 + [True] * 100, [True] * 400 + [False] * 100
    batch = vector_batch(1, 1, has_audio, has_lyrics)
    torch.manual_seed(0)
    swapped, misled = swap_words(batch, 0.3)
    assert not misled[300:].any()
    assert misled.sum() / 300 == pytest.approx(0.3, abs=0.1)  # a standard error of .026; four of them
    owner = {float(value): row for row, value in enumerate(batch.lyrics_vectors)}
    givers = torch.tensor([owner[float(value)] for value in swapped.lyrics_vectors])
    assert torch.equal(givers != torch.arange(500), misled)  # never its own
    assert (givers[misled] < 400).all()  # who has words
    assert len(givers[misled].unique()) > 50
    for kept in ("audio_vectors", "target", "has_audio", "has_lyrics", "track_index"):
        assert torch.equal(getattr(swapped, kept), getattr(batch, kept))
    tokens = replace(batch, input_ids=torch.arange(500)[:, None].expand(500, 3))
    torch.manual_seed(0)
    assert torch.equal(swap_words(tokens, 0.3)[0].input_ids[:, 0], givers)


@torch.no_grad()
def test_long_words_that_nobody_has_any_more_are_not_read(tiny_bert):
    """An encoder reads long words piece by piece, and breaks on a piece in which there are none."""
    config = ModelConfig(lyrics=LyricsConfig(model=str(tiny_bert)), dim=16)
    model, lengths = MoodClassifier(config, n_labels=4, n_mels=32).eval(), torch.tensor([10, 20, 100])
    mask = (torch.arange(100) < lengths[:, None]).long()
    batch = replace(vector_batch(0, 0, [False] * 3, [True] * 3), input_ids=mask, attention_mask=mask)
    batch = replace(batch, has_audio=torch.ones(3, dtype=torch.bool), audio_vectors=torch.zeros(3, model.audio.dim))
    widths = set()
    for seed in range(12):
        torch.manual_seed(seed)
        swapped, _ = swap_words(batch, 0.9)
        widths.add(swapped.input_ids.shape[1])
        assert model(swapped).isfinite().all()
        assert swapped.attention_mask.any(dim=0).all()
    assert widths == {20, 100}


@pytest.mark.parametrize("readers", [0, 1])
def test_a_lone_song_keeps_its_words(readers):
    batch = vector_batch(1, 1, [True] * 3, [True] * readers + [False] * (3 - readers))
    swapped, misled = swap_words(batch, 1.0)
    assert swapped is batch
    assert not misled.any()


@torch.no_grad()
@pytest.mark.parametrize("mixed", [False, True])
def test_wrong_words_are_asked_together_with_the_sound_but_never_alone(model, batch, monkeypatch, mixed):
    misled = torch.tensor([True, False, False, False, False, False])
    partners = torch.tensor([3, 1, 2, 0, 4, 5])
    swapped = replace(batch, lyrics_vectors=batch.lyrics_vectors[[4, 1, 2, 3, 4, 5]])
    monkeypatch.setattr("research.losses.objective.swap_words", lambda batch, share: (swapped, misled))
    monkeypatch.setattr("research.losses.objective.mixing_partners", lambda batch: partners)
    share_of(monkeypatch, 1.0)  # all of each song: what is left of mixing is who counts
    of_sound, of_words = (logits for logits, _ in model(swapped, sides=True)[1])
    asked = [2, 4] if mixed else [2, 3, 4]  # of the songs with words, 0 is misled and 3 its partner
    alone = cross_entropy(of_sound[HAS_AUDIO], batch.target[HAS_AUDIO])
    alone += cross_entropy(of_words[asked], batch.target[asked])
    expected = 0.5 * cross_entropy(model(swapped), batch.target) + 0.25 * alone
    found = step_loss(model, CRITERION, batch, side_loss=0.5, mixup=0.2 if mixed else 0.0, swap_lyrics=0.5)
    torch.testing.assert_close(found, expected, **NEAR)
