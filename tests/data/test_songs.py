"""Batches: every song once, windows of the store and nothing else, chance tied to seed, epoch and song alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from research.data.augmentation import Augmentation
from research.data.buckets import LengthBuckets
from research.data.dataset import SongDataset
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.lyrics import LyricsConfig

ONLY_PLACE = Augmentation(time_mask=0, mel_mask=0, drop_audio=0.0, drop_lyrics=0.0)
INSTRUMENTAL = [19, 39]
"""Rows of the small corpus without words: every twentieth song."""
ALL = np.arange(45)


@pytest.mark.parametrize(("n", "batch_size"), [(1, 4), (16, 4), (42, 4), (43, 4), (200, 3)])
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_song_once_in_full_batches(n, batch_size, shuffle):
    lengths = np.random.default_rng(0).integers(0, 300, n)
    buckets = LengthBuckets(lengths, batch_size, shuffle=shuffle)
    for buckets.epoch in range(3):
        batches = list(buckets)
        assert sorted(song for batch in batches for song in batch) == list(range(n))
        assert {len(batch) for batch in batches[:-1]} <= {batch_size}
        assert len(batches) == len(buckets) == -(-n // batch_size)


def test_epochs_differ_and_repeat():
    buckets = LengthBuckets(np.random.default_rng(0).integers(0, 300, 64), 8, shuffle=True, seed=1)
    epochs = []
    for buckets.epoch in (0, 1, 0):
        epochs.append(list(buckets))
    assert epochs[0] == epochs[2] != epochs[1]


def test_buckets_pad_less():
    """Lengths as in real lyrics (median 300 tokens, cut at 512): buckets fill 95 % of a batch, plain order 62 %."""
    generator = np.random.default_rng(0)
    lengths = np.minimum(generator.lognormal(np.log(300), 0.5, 600).astype(int), 512)

    def useful(batches):
        return lengths.sum() / sum(lengths[batch].max() * len(batch) for batch in batches)

    plain = [list(range(start, min(start + 16, 600))) for start in range(0, 600, 16)]
    assert useful(LengthBuckets(lengths, 16, shuffle=True)) > 0.9
    assert useful(plain) < 0.7


def test_a_loader_reads_whole_batches(small_songs):
    batches = list(SongDataset(small_songs, ALL, augmentation=ONLY_PLACE).loader(batch_size=16))
    assert [len(batch.target) for batch in batches] == [16, 16, 13]
    seen = torch.cat([batch.track_index for batch in batches])
    assert sorted(seen.tolist()) == ALL.tolist()
    moods = [small_songs.tracks.corpus.labels[target] for batch in batches for target in batch.target]
    assert moods == small_songs.tracks.frame["mood"].iloc[seen.tolist()].to_list()


def test_evaluation_windows_are_evenly_spaced_pieces_of_the_store(small_songs):
    songs = replace(small_songs, inputs=replace(small_songs.inputs, eval_windows=3))
    batch = SongDataset(songs, np.array([7, 3])).__getitems__([0, 1])
    for picture, row in zip(batch.mel, (7, 3), strict=True):
        song = songs.store.song(songs.tracks.frame["track_id"].iloc[row])
        for window, start in zip(
            picture, (0, 8, 15), strict=True
        ):  # 87 frames leave 15; half of it, 7.5, rounds to even
            assert np.array_equal(window.T.numpy(), song[start : start + 72])


def test_a_training_window_is_one_random_piece_of_the_store(small_songs):
    dataset = SongDataset(small_songs, ALL, augmentation=ONLY_PLACE)
    song = small_songs.store.song(small_songs.tracks.frame["track_id"].iloc[5])
    pieces = np.stack([song[start : start + 72] for start in range(16)])
    starts = set()
    for dataset.epoch in range(100):
        window = dataset[5].mel[0, 0].T.numpy()
        starts |= {start for start, piece in enumerate(pieces) if np.array_equal(window, piece)}
    # A start stays out of 100 epochs with probability (15/16)^100 = 0.2 %: of 16, one may.
    assert len(starts) >= 15


def test_chance_depends_on_seed_epoch_and_song_alone(small_songs):
    heavy = Augmentation(time_mask=30, mel_mask=10, drop_audio=0.3, drop_lyrics=0.3)
    dataset = SongDataset(small_songs, ALL, augmentation=heavy, seed=11)
    first = dataset.__getitems__([4, 8, 15, 16])
    part = SongDataset(small_songs, np.array([16, 23, 8]), augmentation=heavy, seed=11).__getitems__([2, 0])
    assert part.has_audio.tolist() == [False, True]  # without any there would be no spectrograms to compare
    for here, there in ((1, 0), (3, 1)):
        assert torch.equal(first.mel[here], part.mel[there])
        assert first.has_audio[here] == part.has_audio[there]
        assert first.has_lyrics[here] == part.has_lyrics[there]
    other_seed = SongDataset(small_songs, ALL, augmentation=heavy, seed=4).__getitems__([4, 8, 15, 16])
    dataset.epoch = 1
    other_epoch = dataset.__getitems__([4, 8, 15, 16])
    assert not torch.equal(first.mel, other_seed.mel)
    assert not torch.equal(first.mel, other_epoch.mel)


def test_sides_are_dropped_as_often_as_asked(small_songs):
    rows = np.setdiff1d(ALL, INSTRUMENTAL)
    augmentation = replace(ONLY_PLACE, drop_audio=0.3, drop_lyrics=0.2)
    dataset = SongDataset(small_songs, rows, augmentation=augmentation)
    heard, read = [], []
    for dataset.epoch in range(25):
        batch = dataset.__getitems__(list(range(len(rows))))
        heard.append(batch.has_audio)
        read.append(batch.has_lyrics)
    heard, read = torch.cat(heard), torch.cat(read)
    assert (heard | read).all()
    # 1,000 draws: a standard error of .0145 at .3; four of them.
    assert 1 - heard.float().mean() == pytest.approx(0.3, abs=0.058)
    assert 1 - read.float().mean() == pytest.approx(0.2, abs=0.051)


def test_a_song_without_words_is_flagged_and_empty(small_songs):
    batch = SongDataset(small_songs, ALL).__getitems__([18, 19, 39])
    assert batch.has_lyrics.tolist() == [True, False, False]
    assert batch.attention_mask.sum(dim=1).tolist() == [16, 0, 0]
    assert batch.has_audio.all()


def test_the_place_of_missing_sound_is_never_read(small_songs, tiny_bert):
    has_audio = small_songs.has_audio.copy()
    has_audio[1] = False
    batch = SongDataset(replace(small_songs, has_audio=has_audio), ALL).__getitems__([0, 1, 2])
    assert batch.has_audio.tolist() == [True, False, True]
    torch.manual_seed(0)
    model = MoodClassifier(ModelConfig(lyrics=LyricsConfig(model=str(tiny_bert))), n_labels=4, n_mels=32).eval()
    poisoned = batch.mel.clone()
    poisoned[1] = torch.nan
    with torch.no_grad():
        logits = model(replace(batch, mel=poisoned))
        assert torch.equal(logits, model(batch))
    assert logits.isfinite().all()


def test_a_side_that_is_not_wanted_costs_nothing(small_songs):
    deaf = SongDataset(small_songs, ALL, read_audio=False)[0]
    assert deaf.mel.numel() == 0
    assert not deaf.has_audio.any()
    mute = SongDataset(small_songs, ALL, read_lyrics=False)
    assert mute[0].input_ids.numel() == 0
    assert mute.n_tokens.sum() == 0


def test_gain_shifts_a_whole_spectrogram_and_stays_within_its_bound(small_songs):
    quiet = Augmentation(time_mask=0, mel_mask=0, drop_audio=0.0, drop_lyrics=0.0)
    plain = SongDataset(small_songs, ALL, augmentation=quiet).__getitems__(range(12)).mel.float()
    loud = SongDataset(small_songs, ALL, augmentation=replace(quiet, gain_db=6.0)).__getitems__(range(12)).mel.float()
    shift = (loud - plain).flatten(1)
    assert shift.std(dim=1).max() < 0.05  # float16
    assert 2 < shift.mean(dim=1).abs().max() <= 6
    assert len(shift.mean(dim=1).round(decimals=1).unique()) > 6


def test_dropped_words_leave_the_rest_in_order_and_change_by_epoch(small_songs):
    dataset = SongDataset(small_songs, ALL, augmentation=Augmentation(drop_words=0.5, drop_lyrics=0.0, drop_audio=0.0))
    row = int(np.flatnonzero(small_songs.has_lyrics)[0])
    whole, first = list(small_songs.tokens[row]), list(dataset._words(row))
    assert first[0] == whole[0]
    assert first[-1] == whole[-1]
    assert 2 < len(first) < len(whole)
    remaining = iter(whole)
    assert all(token in remaining for token in first)
    dataset.epoch = 1
    assert list(dataset._words(row)) != first
