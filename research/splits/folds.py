"""Training, validation and test songs: artist-disjoint, official or random splits; and their leakage."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from research.tracks import Corpus, TrackTable, artist_key

ALL = "all"
"""Protocol of a split that tests nothing (`all_songs`)."""
VALID_PARTS = 8
"""Validation takes one of this many parts of the songs that are not tested."""


@dataclass(frozen=True, eq=False)
class Split:
    """Row positions in the track table; only songs with a known label."""

    protocol: str
    """A key of `PROTOCOLS`; `ALL`; `slides` for the split of baselines/picture_models.py."""
    fold: int
    train: Int[np.ndarray, " train"]
    valid: Int[np.ndarray, " valid"]
    test: Int[np.ndarray, " test"]


@dataclass(frozen=True)
class Leakage:
    """What stands in the test part and again in training or validation."""

    protocol: str
    fold: int
    n_test: int
    n_test_by_shared_artists: int
    """Test songs whose artist also made a training or validation song."""
    artists: tuple[str, ...]
    """Artist keys."""
    songs: tuple[tuple[str, str], ...]
    """(artist key, normalised title)."""
    audio: tuple[str, ...]
    """Digests of identical recordings."""
    audio_checked: bool

    def summary(self) -> str:
        return (
            f"{self.protocol} fold {self.fold}: {self.n_test_by_shared_artists} of {self.n_test} test songs are by an "
            f"artist who also stands in training or validation ({len(self.artists)} artists); on both sides stand "
            f"{len(self.songs)} songs and {len(self.audio) if self.audio_checked else 'unchecked'} recordings."
        )


def artist_folds(tracks: TrackTable, n_folds: int = 5, seed: int = 0) -> list[Split]:
    """Folds that keep each artist on one side and the moods in proportion; validation is artist-disjoint too.

    Raises:
        ValueError: fewer artists than folds, a mood with fewer songs than folds, or one that a training part lacks.
    """
    return _folds(tracks, "artist", n_folds, seed, by_artist=True)


def random_folds(tracks: TrackTable, n_folds: int = 5, seed: int = 0) -> list[Split]:
    """Stratified folds that LEAK ARTISTS, kept to compare with published numbers: scores come out too high.

    Raises:
        ValueError: a mood with fewer songs than folds.
    """
    return _folds(tracks, "random", n_folds, seed, by_artist=False)


def official_split(tracks: TrackTable, seed: int = 0) -> Split:
    """The published split; where it has no validation part, an artist-disjoint eighth of its training songs is taken.

    Raises:
        ValueError: the corpus publishes no train or no test songs, or a tested mood is not trained.
    """
    rows, moods, artists = _songs_with_mood(tracks)
    published = tracks.frame["split"].to_numpy()[rows]
    train, valid, test = (np.flatnonzero(published == name) for name in ("train", "valid", "test"))
    if not (len(train) and len(test)):
        raise ValueError(
            f"{tracks.corpus.name} publishes no split ({len(train)} train and {len(test)} test songs with a mood); "
            "choose the protocol 'artist'"
        )
    if not len(valid):
        kept, taken = _carve_validation(tracks.corpus.name, moods[train], artists[train], seed)
        train, valid = train[kept], train[taken]
    return _checked(tracks, Split("official", 0, rows[train], rows[valid], rows[test]))


def all_songs(tracks: TrackTable) -> Split:
    """All songs with a mood to learn from and none to test: for a model that is to be used, not scored."""
    rows, _, _ = _songs_with_mood(tracks)
    return Split(ALL, 0, train=rows, valid=rows[:0], test=rows[:0])


PROTOCOLS: dict[str, Callable[[TrackTable, int, int], list[Split]]] = {
    "artist": artist_folds,
    "official": lambda tracks, _n_folds, seed: [official_split(tracks, seed)],
    "random": random_folds,
}


def make_splits(tracks: TrackTable, protocol: str = "artist", n_folds: int = 5, seed: int = 0) -> list[Split]:
    """Splits by the name of their protocol; `official` is one split whatever `n_folds` says."""
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol {protocol!r} is unknown; choose one of {sorted(PROTOCOLS)}")
    return PROTOCOLS[protocol](tracks, n_folds, seed)


def leakage(tracks: TrackTable, split: Split, digests: Mapping[str, str]) -> Leakage:
    """Artists, songs and recordings that stand in test and again in training or validation.

    Args:
        digests: hash of the audio by track_id; songs without one are not compared by sound.
    """
    seen, test = np.concatenate([split.train, split.valid]), split.test
    artists = np.array(tracks.artist_keys, dtype=object)
    # A title is written as loosely as a name (case, accents, "feat."), so the same key serves; no title, no song.
    titles = [artist_key(title) for title in tracks.frame["title"]]
    songs = [(artist, title) if title else None for artist, title in zip(artists, titles, strict=True)]
    audio = [digests.get(track_id) for track_id in tracks.frame["track_id"]]

    def shared(keys: Sequence) -> tuple:
        return tuple(sorted({keys[row] for row in seen} & {keys[row] for row in test} - {None}))

    leaking = shared(artists)
    return Leakage(
        protocol=split.protocol,
        fold=split.fold,
        n_test=len(test),
        n_test_by_shared_artists=int(np.isin(artists[test], leaking).sum()),
        artists=leaking,
        songs=shared(songs),
        audio=shared(audio),
        audio_checked=bool(digests),
    )


def _songs_with_mood(tracks: TrackTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row positions, moods and artist keys of the songs that have a mood."""
    rows = np.flatnonzero(tracks.frame["mood"].notna())
    return rows, tracks.frame["mood"].to_numpy(dtype=object)[rows].astype(str), np.array(tracks.artist_keys)[rows]


def _folds(tracks: TrackTable, protocol: str, n_folds: int, seed: int, *, by_artist: bool) -> list[Split]:
    rows, moods, artists = _songs_with_mood(tracks)
    groups = artists if by_artist else None
    _check_folds(tracks.corpus, moods, groups, n_folds)
    splits = []
    for fold, (rest, test) in enumerate(_stratified(moods, groups, n_folds, seed)):
        kept, taken = _carve_validation(tracks.corpus.name, moods[rest], groups[rest] if by_artist else None, seed)
        split = Split(protocol, fold, rows[rest[kept]], rows[rest[taken]], rows[test])
        splits.append(_checked(tracks, split))
    return splits


def _check_folds(corpus: Corpus, moods: np.ndarray, groups: np.ndarray | None, n_folds: int) -> None:
    if n_folds < 2:
        raise ValueError(f"n_folds={n_folds} leaves nothing to train on; give at least 2")
    for mood in corpus.labels:
        if (count := int((moods == mood).sum())) < n_folds:
            raise ValueError(
                f"{corpus.name}: {mood!r} has {count} songs, fewer than {n_folds} folds; "
                "use fewer folds, or leave the mood out of the corpus's labels"
            )
    if groups is not None and (n_artists := len(set(groups))) < n_folds:
        raise ValueError(f"{corpus.name}: {n_artists} artists cannot fill {n_folds} folds; use fewer")


def _carve_validation(corpus: str, moods: np.ndarray, groups: np.ndarray | None, seed: int) -> tuple[np.ndarray, ...]:
    """Positions kept for training and taken for validation; tiny corpora give one of fewer than `VALID_PARTS` parts."""
    n_groups = len(moods) if groups is None else len(set(groups))
    n_parts = min(VALID_PARTS, n_groups, int(np.unique(moods, return_counts=True)[1].max()))
    if n_parts < 2:
        raise ValueError(
            f"{corpus}: {len(moods)} training songs cannot give a validation part, for they are by one artist or one "
            "of each mood; use fewer folds or add songs by other artists"
        )
    return next(iter(_stratified(moods, groups, n_parts, seed)))


def _stratified(
    moods: np.ndarray, groups: np.ndarray | None, n_parts: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # .5 s that an answer need not wait for

    splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
    return splitter(n_parts, shuffle=True, random_state=seed).split(moods, moods, groups)


def _checked(tracks: TrackTable, split: Split) -> Split:
    moods = tracks.frame["mood"].to_numpy()
    if untrained := sorted({*moods[split.test], *moods[split.valid]} - {*moods[split.train]}):
        raise ValueError(
            f"{tracks.corpus.name}, {split.protocol} fold {split.fold}: no training song is {', '.join(untrained)} "
            "(one artist may hold the whole mood); use fewer folds or try another seed"
        )
    return split
