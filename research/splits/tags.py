"""Splits for songs with several labels: artist-disjoint parts that preserve the share of every tag and mood."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from research.labels import LabelSpace, Targets, has_target, target_array
from research.splits.folds import VALID_PARTS, Split
from research.tracks import TrackTable

LabelSums = Float[np.ndarray, "groups labels"]


def tag_splits(
    tracks: TrackTable, space: LabelSpace, protocol: str = "artist", n_folds: int = 5, seed: int = 0
) -> list[Split]:
    """Splits of the songs that have a known label.

    Args:
        space: labels to balance, tags among them.
        protocol: `artist`, folds that keep each artist on one side and the labels in proportion, or `official`, the
            corpus' own; validation songs are taken from training where the corpus names none.

    Raises:
        ValueError: an unknown protocol, no published split, fewer artists than folds, or a label that is tested or
            validated but not trained.
    """
    assert space.tags, "songs of one mood each are split by research.splits.folds"
    targets = target_array(tracks, space)
    rows = np.flatnonzero(has_target(targets))
    truth, artists = _with_song_count(targets[rows]), np.array(tracks.artist_keys)[rows]
    if protocol == "artist":
        parts = grouped_parts(truth, artists, [1 / n_folds] * n_folds, np.random.default_rng(seed))
        tests = [(parts != fold, parts == fold) for fold in range(n_folds)]
    elif protocol == "official":
        published = tracks.frame["split"].to_numpy(dtype=object)[rows]
        tests = [(published == "train", published == "test")]
    else:
        raise ValueError(f"protocol {protocol!r} is unknown; songs with several labels know artist and official")
    splits = []
    for fold, (rest, test) in enumerate(tests):
        if not (rest.any() and test.any()):
            raise ValueError(
                f"{tracks.corpus.name}, {protocol} fold {fold}: {rest.sum()} songs to train on, {test.sum()} to test; "
                "use fewer folds, or choose the protocol 'artist' if the corpus publishes no split"
            )
        valid = published == "valid" if protocol == "official" else np.zeros(len(rows), dtype=bool)
        if not valid.any():
            valid = _carve_validation(truth, artists, rest, seed)
        split = Split(protocol, fold, rows[rest & ~valid], rows[valid], rows[test])
        splits.append(_checked(tracks, split, targets))
    return splits


def known_in(split: Split, targets: Targets) -> Split:
    """The same split without the songs of which a task knows nothing."""
    known = has_target(targets)
    return replace(split, **{part: rows[known[rows]] for part, rows in _parts(split).items()})


def grouped_parts(
    truth: LabelSums, groups: Sequence[str], shares: Sequence[float], generator: np.random.Generator
) -> Int[np.ndarray, " songs"]:
    """Part of each song, groups kept whole: the rarest label goes first, to the part that lacks most of it.

    Iterative stratification, with groups in the place of examples and, of groups with a label, the largest first.

    Args:
        truth: 0/1 a song and label; 1 for every song in one column balances the number of songs. Each group has a
            label: one without could go anywhere.
        groups: what must not be divided, such as artists.
        shares: wanted size of each part; they sum to 1.

    Raises:
        ValueError: fewer groups than parts, or a group without any label.

    Source: Sechidis, Tsoumakas & Vlahavas 2011, "On the stratification of multi-label data", algorithm 1.
    """
    names, group_of_song = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    if len(names) < len(shares):
        raise ValueError(f"{len(names)} artists cannot fill {len(shares)} parts; use fewer folds")
    sums = np.zeros((len(names), truth.shape[1]))
    np.add.at(sums, group_of_song, truth)
    if bare := names[~sums.any(axis=1)].tolist():
        raise ValueError(f"{len(bare)} artists have no label, such as {bare[0]!r}; give a column of ones to place them")
    wanted = np.outer(shares, sums.sum(axis=0))  # (parts, labels)
    part_of_group = np.full(len(names), -1)
    tie_break = generator.permutation(len(names))
    while (part_of_group < 0).any():
        left = part_of_group < 0
        remaining = sums[left].sum(axis=0)
        label = int(np.where(remaining > 0, remaining, np.inf).argmin())
        with_label = np.flatnonzero(left & (sums[:, label] > 0))
        for group in with_label[np.lexsort((tie_break[with_label], -sums[with_label, label]))]:
            # Where two parts lack as much of the label, the one that lacks more labels in all.
            lacking = np.lexsort((generator.random(len(shares)), wanted.sum(axis=1), wanted[:, label]))
            part_of_group[group] = lacking[-1]
            wanted[lacking[-1]] -= sums[group]
    return part_of_group[group_of_song]


def _with_song_count(targets: Targets) -> LabelSums:
    return np.column_stack([np.nan_to_num(targets), np.ones(len(targets))])


def _carve_validation(truth: LabelSums, artists: np.ndarray, rest: np.ndarray, seed: int) -> np.ndarray:
    shares = [1 - 1 / VALID_PARTS, 1 / VALID_PARTS]
    taken = np.zeros(len(rest), dtype=bool)
    taken[rest] = grouped_parts(truth[rest], artists[rest], shares, np.random.default_rng(seed)) == 1
    return taken


def _checked(tracks: TrackTable, split: Split, targets: np.ndarray) -> Split:
    trained, judged = (
        (np.nan_to_num(targets[rows]) > 0).any(axis=0)
        for rows in (split.train, np.concatenate([split.valid, split.test]))
    )
    if untrained := int((judged & ~trained).sum()):
        raise ValueError(
            f"{tracks.corpus.name}, {split.protocol} fold {split.fold}: {untrained} labels have no training song (one "
            "artist may hold them all); raise the least number of songs a tag needs, or use fewer folds"
        )
    return split


def _parts(split: Split) -> dict[str, np.ndarray]:
    return {"train": split.train, "valid": split.valid, "test": split.test}
