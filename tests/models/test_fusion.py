"""Fusions: what a gate may do, what a missing side must not do."""

import pytest
import torch

from research.models.fusion import FUSIONS, GatedFusion, Join, LateFusion, OneSide

DIM, LABELS = 16, 4


def sides(n: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(2, n, DIM, generator=torch.Generator().manual_seed(0)).unbind()


def present(*values: bool) -> torch.Tensor:
    return torch.tensor(values)


def test_a_gate_can_only_interpolate():
    audio, lyrics = sides()
    everywhere = torch.ones(8, dtype=torch.bool)
    fused = GatedFusion(DIM, LABELS, dropout=0.0).mix(audio, lyrics, everywhere, everywhere)
    slack = 1e-6  # float32 rounding of values of order 1
    assert (torch.minimum(audio, lyrics) - slack <= fused).all()
    assert (fused <= torch.maximum(audio, lyrics) + slack).all()


def test_a_gate_is_shut_on_a_missing_side():
    audio, lyrics = sides(3)
    mixed = GatedFusion(DIM, LABELS, dropout=0.0).mix(
        audio, lyrics, present(True, False, True), present(False, True, True)
    )
    assert torch.equal(mixed[0], audio[0])
    assert torch.equal(mixed[1], lyrics[1])
    assert not torch.equal(mixed[2], audio[2])


def test_late_fusion_is_the_mean_of_log_probabilities():
    torch.manual_seed(0)
    audio, lyrics = sides(3)
    fusion = LateFusion(DIM, LABELS, dropout=0.0)
    logits = fusion(audio, lyrics, present(True, True, False), present(True, False, True))
    sound, words = fusion.audio(audio).log_softmax(-1), fusion.lyrics(lyrics).log_softmax(-1)
    expected = torch.stack([(sound[0] + words[0]) / 2, sound[1], words[2]])
    # Float32: the same but for the order of sums and a constant a song.
    torch.testing.assert_close(logits.softmax(-1), expected.softmax(-1), rtol=1e-6, atol=1e-6)


def test_late_fusion_of_tags_is_the_mean_of_log_odds():
    audio, lyrics = sides(3)
    fusion, both = LateFusion(DIM, LABELS, dropout=0.0), present(True, True, True)
    sound, words = fusion.audio(audio).sigmoid(), fusion.lyrics(lyrics).sigmoid()
    expected = (torch.logit(sound) + torch.logit(words)) / 2
    # logit of a float32 sigmoid is good to 1e-5 at logits of order 1
    torch.testing.assert_close(fusion(audio, lyrics, both, both), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in FUSIONS if not FUSIONS[name].reads_sequences])
def test_what_stands_in_a_missing_place_is_never_read(name):
    torch.manual_seed(0)
    fusion = FUSIONS[name](DIM, LABELS, dropout=0.0)
    audio, lyrics = sides(2)
    has_audio, has_lyrics = present(True, False), present(False, True)
    other_audio, other_lyrics = audio.clone(), lyrics.clone()
    other_audio[1], other_lyrics[0] = 99.0, -99.0
    before = fusion(audio, lyrics, has_audio, has_lyrics)
    assert torch.equal(before, fusion(other_audio, other_lyrics, has_audio, has_lyrics))
    assert not torch.equal(before[0], before[1])


@pytest.mark.parametrize("name", FUSIONS)
def test_a_song_without_anything_is_answered_and_by_the_heads(name):
    fusion = FUSIONS[name](DIM, LABELS, dropout=0.0)
    assert isinstance(fusion, Join)
    (audio, lyrics), nobody = sides(2), present(False, False)
    if fusion.reads_sequences:  # of one frame and one token
        audio, lyrics, nobody = audio[:, None], lyrics[:, None], nobody[:, None]
    before = fusion(audio, lyrics, nobody, nobody)
    assert before.isfinite().all()
    everybody = ~nobody
    before = fusion(audio, lyrics, everybody, everybody)
    with torch.no_grad():
        for head in fusion.heads:
            head.bias += 1.0
    # float32 sums in another order, logits of order 1
    torch.testing.assert_close(fusion(audio, lyrics, everybody, everybody), before + 1, rtol=0, atol=1e-5)


def test_concat_and_one_side_learn_what_missing_means():
    audio, lyrics = sides(2)
    nobody = present(False, False)
    concat = FUSIONS["concat"](DIM, LABELS, dropout=0.0)
    concat(audio, lyrics, nobody, nobody).sum().backward()
    assert concat.missing_audio.grad.abs().sum() > 0
    assert concat.missing_lyrics.grad.abs().sum() > 0
    alone = OneSide(DIM, LABELS, dropout=0.0)
    alone(audio, nobody).sum().backward()
    # d(sum of logits)/d(missing) = 2 songs * column sums of the head
    torch.testing.assert_close(alone.missing.grad, 2 * alone.head.weight.detach().sum(dim=0))
