"""The loop: it memorises, stops, keeps the best, goes on where it was, and sums gradients as a larger batch would."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import research.training.loop
from research.data.augmentation import Augmentation
from research.data.dataset import SongDataset
from research.data.songs import Songs, with_labels
from research.labels import label_space
from research.metrics.moods import accuracy, macro_f1
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.lyrics import LyricsConfig
from research.runs import RunFolder
from research.training.config import TrainConfig
from research.training.loop import fit, predict
from research.training.machine import make_accelerator, process_state
from research.training.schedules import warmup_cosine

EXACT = Augmentation(time_mask=0, mel_mask=0, drop_audio=0.0, drop_lyrics=0.0)
PLAIN = TrainConfig(
    epochs=3,
    batch_size=8,
    weight_decay=0.0,
    class_weights="none",
    label_smoothing=0.0,
    precision="fp32",
    augmentation=EXACT,
)
"""Nothing random but the order of songs."""


class Witness:
    """Stands in for the W&B mirror: keeps the history and the weights of each epoch."""

    def __init__(self, model: nn.Module, stop_after: int | None = None):
        self.model, self.stop_after = model, stop_after
        self.epochs: list[dict] = []
        self.weights: list[dict] = []

    def log_epoch(self, metrics):
        self.epochs.append(dict(metrics))
        self.weights.append({name: value.clone() for name, value in self.model.state_dict().items()})
        if metrics["epoch"] == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture
def lyrics_only(tiny_bert) -> ModelConfig:
    return ModelConfig(audio=None, lyrics=LyricsConfig(model=str(tiny_bert), learning_rate=1e-3), dim=16, dropout=0.0)


def build(config: ModelConfig, seed: int = 0) -> MoodClassifier:
    torch.manual_seed(seed)
    return MoodClassifier(config, n_labels=4, n_mels=32)


def rows_by_mood(songs, counts: tuple[int, ...]) -> np.ndarray:
    """The first songs with words of each mood, as many as asked."""
    with_words = [np.flatnonzero((songs.targets == label) & songs.has_lyrics) for label in range(4)]
    return np.sort(np.concatenate([rows[:count] for rows, count in zip(with_words, counts, strict=True)]))


def parts(songs, rows: np.ndarray) -> tuple[SongDataset, SongDataset]:
    """The same songs to train on and to validate on."""
    return SongDataset(songs, rows, augmentation=EXACT), SongDataset(songs, rows)


def scripted_scores(monkeypatch, scores: list[float]) -> None:
    script = iter(scores)
    monkeypatch.setattr(research.training.loop, "score_answers", lambda *answers: {"macro_f1": next(script)})


def test_twelve_songs_are_memorised_by_both_encoders(small_songs, tiny_bert, tmp_path, monkeypatch):
    monkeypatch.setattr(RunFolder, "save_checkpoint", lambda run, state: None)  # 130 MB an epoch, read by nobody here
    songs = replace(small_songs, inputs=replace(small_songs.inputs, window_frames=87, eval_windows=1))  # whole songs
    lyrics = LyricsConfig(model=str(tiny_bert), learning_rate=1e-2)
    audio = AudioConfig(learning_rate=2e-4)
    model = build(ModelConfig(audio=audio, lyrics=lyrics, fusion="gated", dim=64, dropout=0.0))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    train, valid = parts(songs, rows_by_mood(songs, (3, 3, 3, 3)))
    config = replace(PLAIN, epochs=16, batch_size=4, learning_rate=3e-3, patience=16)
    progress = fit(model, train, valid, config, RunFolder.open(tmp_path, {}))
    # Measured on the same songs, but without the noise that other songs in a batch bring through BatchNorm.
    losses = [row["valid/loss"] for row in progress.history]
    assert losses[0] > 0.8 * math.log(4)  # at first no better than guessing
    assert losses[-1] < 0.1
    found = predict(model, valid, config)
    assert accuracy(found.targets, found.logits.argmax(axis=1)) == 1.0
    # Without weight decay a parameter moves only along its gradient.
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert {"audio.network.conv1.weight", "audio.network.bn1.weight", "join.gate.weight"} <= moved
    assert {f"lyrics.bert.encoder.layer.{layer}.output.dense.weight" for layer in (0, 1)} <= moved
    assert "lyrics.bert.embeddings.word_embeddings.weight" in moved


def test_without_validation_songs_the_last_epoch_is_kept(small_songs, lyrics_only, tmp_path):
    train, _ = parts(small_songs, rows_by_mood(small_songs, (2, 2, 2, 2)))
    model, config = build(lyrics_only), replace(PLAIN, select_by="last")
    witness = Witness(model)
    progress = fit(model, train, None, config, RunFolder.open(tmp_path / "last", {}), witness)
    assert progress.best_epoch == config.epochs
    assert [set(row) for row in progress.history] == [{"epoch", "train/loss"}] * config.epochs
    assert all(torch.equal(value, witness.weights[-1][name]) for name, value in model.state_dict().items())
    with pytest.raises(ValueError, match="no validation songs to select the epoch by macro_f1"):
        fit(build(lyrics_only), train, None, PLAIN, RunFolder.open(tmp_path / "selected", {}))


def test_training_stops_and_the_best_epoch_is_kept(small_songs, lyrics_only, tmp_path, monkeypatch):
    scripted_scores(monkeypatch, [0.1, 0.5, 0.5, 0.4, 0.3, 0.9])  # of equals the later
    model, run = build(lyrics_only), RunFolder.open(tmp_path, {})
    witness = Witness(model)
    train, valid = parts(small_songs, rows_by_mood(small_songs, (2, 2, 2, 2)))
    progress = fit(model, train, valid, replace(PLAIN, epochs=9, patience=2), run, witness)
    assert (progress.epoch, progress.best_epoch) == (5, 3)
    assert progress.history == witness.epochs
    kept, saved = model.state_dict(), build(lyrics_only)
    run.load_weights(saved)
    head = "join.head.weight"
    assert torch.equal(kept[head], witness.weights[2][head])
    assert not torch.equal(kept[head], witness.weights[3][head])
    assert all(torch.equal(value, saved.state_dict()[name]) for name, value in kept.items())


@pytest.mark.parametrize("unfreeze_every", [0, 1])
def test_an_interrupted_run_ends_in_the_same_bits(small_songs, lyrics_only, tmp_path, unfreeze_every):
    train, valid = parts(small_songs, rows_by_mood(small_songs, (3, 3, 3, 3)))
    config = replace(PLAIN, batch_size=5, unfreeze_every=unfreeze_every)
    with_dropout = replace(lyrics_only, dropout=0.3)
    whole_model, cut_model = build(with_dropout), build(with_dropout)
    whole = fit(whole_model, train, valid, config, RunFolder.open(tmp_path / "whole", {}))
    with pytest.raises(KeyboardInterrupt):
        fit(cut_model, train, valid, config, RunFolder.open(tmp_path / "cut", {}), Witness(cut_model, stop_after=2))
    resumed_model = build(with_dropout, seed=1)  # the checkpoint has the weights, first ones do not matter
    witness = Witness(resumed_model)
    resumed = fit(resumed_model, train, valid, config, RunFolder.open(tmp_path / "cut", {}), witness)
    assert resumed.history == whole.history == witness.epochs
    expected = whole_model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in resumed_model.state_dict().items())


def test_layers_start_to_learn_one_by_one_from_the_top(small_songs, lyrics_only, tmp_path):
    model = build(lyrics_only)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    witness = Witness(model)
    train, valid = parts(small_songs, rows_by_mood(small_songs, (2, 2, 2, 2)))
    # A constant rate; without weight decay a parameter moves only along its gradient.
    config = replace(PLAIN, epochs=6, schedule="step", unfreeze_every=2, patience=9)
    fit(model, train, valid, config, RunFolder.open(tmp_path, {}), witness)
    moved, weights = [], [before, *witness.weights]
    for earlier, later in pairwise(weights):
        changed = {name for name, value in later.items() if not torch.equal(value, earlier[name])}
        moved.append({name.removeprefix("lyrics.bert.").rpartition(".layer.")[2].split(".")[0] for name in changed})
    new = {"lyrics_projection", "join"}
    assert moved == [new, new, new | {"1"}, new | {"1"}, new | {"1", "0"}, new | {"1", "0"}]
    assert not any(p.requires_grad for p in model.lyrics.bert.embeddings.parameters())  # the seventh epoch's


def test_the_rate_climbs_and_falls_by_hand():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = warmup_cosine(optimizer, steps=10, warmup=0.2)
    rates = schedule.get_last_lr()
    for _ in range(10):
        optimizer.step()
        schedule.step()
        rates += schedule.get_last_lr()
    # Two of ten steps climb (1/2, 1), eight fall along half a cosine: a quarter down it stands at (1 + sqrt(1/2)) / 2.
    by_hand = {0: 1.0, 1: 2.0, 2: 2.0, 4: 1 + math.sqrt(0.5), 6: 1.0, 8: 1 - math.sqrt(0.5), 10: 0.0}
    assert {step: rates[step] for step in by_hand} == pytest.approx(
        by_hand, abs=1e-12
    )  # rounding of doubles of order 1


def test_two_batches_of_four_step_like_one_of_eight(small_songs, lyrics_only, tmp_path):
    train, valid = parts(small_songs, rows_by_mood(small_songs, (2, 2, 2, 2)))
    settings = {
        "eight": PLAIN,
        "twice four": replace(PLAIN, batch_size=4, accumulate=2),
        "four": replace(PLAIN, batch_size=4),
    }
    losses, steps = {}, {}
    for name, config in settings.items():
        run = RunFolder.open(tmp_path / name, {})
        losses[name] = [row["valid/loss"] for row in fit(build(lyrics_only), train, valid, config, run).history]
        steps[name] = run.load_checkpoint()["schedule"]["last_epoch"]
    assert steps == {"eight": 3, "twice four": 3, "four": 6}
    # float32 sums in another order, through three steps of Adam; another number of steps differs a thousandfold more.
    assert losses["twice four"] == pytest.approx(losses["eight"], abs=1e-5)
    assert losses["four"] != pytest.approx(losses["eight"], abs=1e-3)


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_class_weights_reach_the_loss(small_songs, lyrics_only, tmp_path, class_weights):
    counts = (5, 1, 2, 1)
    train, valid = parts(small_songs, rows_by_mood(small_songs, counts))
    model = build(lyrics_only)
    found = predict(model, valid, PLAIN)
    negative_log_probs = np.log(np.exp(found.logits.astype(float)).sum(axis=1))
    negative_log_probs -= found.logits[np.arange(9), found.targets]
    weights = {"none": np.ones(4), "balanced": 9 / (4 * np.array(counts))}[class_weights][found.targets]
    config = replace(PLAIN, epochs=1, batch_size=9, class_weights=class_weights)
    progress = fit(model, train, valid, config, RunFolder.open(tmp_path, {}))
    expected = (weights * negative_log_probs).sum() / weights.sum()
    assert progress.history[0]["train/loss"] == pytest.approx(expected, abs=1e-5)  # float32 logits of order 1


def test_predictions_come_in_the_order_of_the_table(small_songs, lyrics_only):
    rows = np.array([30, 2, 19, 7, 40, 11, 3, 1, 0, 5, 6, 8, 9, 10, 12, 13, 14, 41])  # more than one evaluation batch
    model = build(lyrics_only)
    found = predict(model, SongDataset(small_songs, rows), PLAIN)
    assert found.rows.tolist() == sorted(rows.tolist())
    assert np.array_equal(found.targets, small_songs.targets[found.rows])
    alone = predict(model, SongDataset(small_songs, np.array([19])), PLAIN)
    # float32 sums of another batch width; logits of order 1
    np.testing.assert_allclose(found.logits[found.rows == 19], alone.logits, rtol=0, atol=1e-5)


def test_validation_scores_are_those_of_its_predictions(small_songs, lyrics_only, tmp_path):
    train, valid = parts(small_songs, rows_by_mood(small_songs, (4, 2, 3, 2)))
    model = build(lyrics_only)
    progress = fit(model, train, valid, replace(PLAIN, epochs=2), RunFolder.open(tmp_path, {}))
    found, best = predict(model, valid, PLAIN), progress.history[progress.best_epoch - 1]
    guesses = found.logits.argmax(axis=1)
    assert best["valid/macro_f1"] == macro_f1(found.targets, guesses)
    assert best["valid/accuracy"] == accuracy(found.targets, guesses)


def test_an_accelerator_may_choose_its_precision_after_the_processes_are_known():
    assert process_state().num_processes == 1
    assert make_accelerator(TrainConfig(precision="fp32")).mixed_precision == "no"


def tagged(songs, task: str, untagged: int = 0, moodless: int = 0) -> Songs:
    """The small corpus with a tag of every other song and one of every third; the first songs lack tags or a mood."""
    tags = [["even"] * (row % 2 == 0) + ["third"] * (row % 3 == 0) + ["song"] for row in range(len(songs.tracks))]
    tags = [[] if row < untagged else words for row, words in enumerate(tags)]
    moods = [None if row < moodless else mood for row, mood in enumerate(songs.tracks.frame["mood"])]
    corpus = replace(songs.tracks.corpus, tags=("even", "third", "song"))
    tracks = replace(songs.tracks, corpus=corpus, frame=songs.tracks.frame.assign(tags=tags, mood=moods))
    return with_labels(replace(songs, tracks=tracks), label_space(tracks, task, min_songs=10))


@pytest.mark.parametrize(("task", "n_labels"), [("tags", 3), ("moods+tags", 7)])
def test_tags_are_memorised(small_songs, lyrics_only, tmp_path, task, n_labels):
    songs = tagged(small_songs, task)
    rows = np.array([row for row in range(14) if songs.has_lyrics[row]])
    torch.manual_seed(0)
    model = MoodClassifier(replace(lyrics_only, dim=64), n_labels=n_labels, n_mels=32)
    config = replace(PLAIN, epochs=25, batch_size=7, learning_rate=1e-2, patience=25, select_by="pr_auc")
    progress = fit(model, *parts(songs, rows), config, RunFolder.open(tmp_path, {}))
    best = progress.history[progress.best_epoch - 1]
    assert best["valid/pr_auc"] > 0.99
    assert ("valid/macro_f1" in best) == (task == "moods+tags")
    assert progress.history[-1]["valid/loss"] < 0.3 * progress.history[0]["valid/loss"]
    found = predict(model, SongDataset(songs, rows), config)
    assert np.array_equal(found.targets, songs.targets[found.rows])


def test_the_loss_of_tags_is_the_mean_over_what_is_known(small_songs, lyrics_only, tmp_path):
    songs = tagged(small_songs, "moods+tags", untagged=2, moodless=4)
    rows = np.arange(12)
    torch.manual_seed(0)
    model = MoodClassifier(lyrics_only, n_labels=7, n_mels=32)
    train, valid = parts(songs, rows)
    model.start_tags_at(torch.logit(torch.from_numpy(np.nanmean(songs.targets[rows, 4:], axis=0)), eps=1e-3))
    found = predict(model, valid, PLAIN)
    logits, targets = torch.from_numpy(found.logits), torch.from_numpy(found.targets)
    by_mood = F.cross_entropy(logits[4:, :4], targets[4:, :4].argmax(dim=1))
    by_tag = F.binary_cross_entropy_with_logits(logits[2:, 4:], targets[2:, 4:])
    config = replace(PLAIN, epochs=1, batch_size=12)
    progress = fit(model, train, valid, config, RunFolder.open(tmp_path, {}))
    assert progress.history[0]["train/loss"] == pytest.approx(float(by_mood + by_tag), abs=1e-5)  # float32


@pytest.mark.parametrize(
    "change", [{"loss": "focal"}, {"loss": "logit_adjusted"}, {"class_weights": "effective_number"}]
)
def test_the_loss_is_chosen_by_name_and_validation_measures_the_plain_one(small_songs, lyrics_only, tmp_path, change):
    train, valid = parts(small_songs, rows_by_mood(small_songs, (5, 1, 2, 1)))
    history = []
    for config in (PLAIN, replace(PLAIN, **change)):
        config = replace(config, epochs=1, batch_size=9, learning_rate=0.0)
        model = build(replace(lyrics_only, lyrics=replace(lyrics_only.lyrics, learning_rate=0.0)))
        run = RunFolder.open(tmp_path / config.loss / config.class_weights, {})
        history.append(fit(model, train, valid, config, run).history[0])
    plain, other = history
    assert other["train/loss"] != pytest.approx(plain["train/loss"], rel=1e-3)
    assert other["valid/loss"] == plain["valid/loss"] == pytest.approx(plain["train/loss"], rel=1e-5)  # nothing moved


@pytest.mark.parametrize(("task", "chosen"), [("tags", "macro_f1"), ("moods", "pr_auc")])
def test_an_epoch_cannot_be_chosen_by_what_is_not_measured(small_songs, lyrics_only, tmp_path, task, chosen):
    songs = tagged(small_songs, task)
    with pytest.raises(ValueError, match=f"select_by {chosen} is not measured on these labels; choose one of"):
        fit(
            build(lyrics_only),
            *parts(songs, np.arange(8)),
            replace(PLAIN, select_by=chosen),
            RunFolder.open(tmp_path, {}),
        )
