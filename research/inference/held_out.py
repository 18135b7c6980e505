"""Which songs of a corpus a run may be scored on: those it has not learned from, nor from their artists."""

from dataclasses import dataclass

from research.inference.predictor import MoodPredictor
from research.models.published import met_labels
from research.tracks import TrackTable, artist_key

ALL_KNOWN = "all songs with a known mood"


@dataclass(frozen=True)
class HeldOut:
    rows: tuple[int, ...]
    """Positions in the track table."""
    which: str
    """For people: which songs these are, and what flatters their scores."""


def held_out_songs(predictor: MoodPredictor, tracks: TrackTable) -> HeldOut:
    """Of the table that the run was trained on its test songs, of any other all but those by artists it learned from.

    Another table of the same corpus, such as a part that was kept apart, may hold test songs too: they are scored
    whoever made them. If a run did not record its artists, they are all that is scored there.

    Raises:
        ValueError: the run is not finished, or no song is left.
    """
    if not predictor.finished:
        raise ValueError(f"{predictor.run.path} is not finished: it has tested no songs yet; finish the run first")
    same = tracks.fingerprint == predictor.run.config["corpus"].get("fingerprint")
    own = same or tracks.corpus.name == predictor.corpus
    tested = set(predictor.test_songs) if own else set()
    in_test = {row for row, track_id in enumerate(tracks.frame["track_id"]) if track_id in tested}
    learned = predictor.run.artists
    if same or (own and learned is None):
        rows, which = sorted(in_test), _test_songs(predictor, tracks, len(in_test), same)
    elif learned is None:
        rows, which = list(range(len(tracks))), f"{ALL_KNOWN} (which artists the run learned from is not recorded)"
    else:
        rows = [row for row, artist in enumerate(tracks.artist_keys) if row in in_test or artist not in learned]
        if not rows:
            raise ValueError(f"{predictor.run.path} learned from all artists of {tracks.corpus.name}; give other songs")
        without = len(tracks) - len(rows)
        which = ALL_KNOWN
        if without:
            which += f"; left out: {without} songs of the table, by artists that the run learned from"
        nameless = sum(not artist_key(tracks.frame["artist"].iloc[row]) for row in rows if row not in in_test)
        if nameless:
            which += f"; {nameless} songs name no artist: whether the run learned from them is not known"
    if in_test and predictor.run.config.get("selected_on") == "test":
        which += ", on which its epoch was picked"
    audio = predictor.config.audio
    if met := met_labels(audio.frozen if audio else (), tracks.corpus):
        which += f"; optimistic: {', '.join(met)} learned from the source of their labels"
    return HeldOut(tuple(rows), which)


def _test_songs(predictor: MoodPredictor, tracks: TrackTable, n_here: int, same: bool) -> str:
    run, n_tested = predictor.run, len(predictor.test_songs)
    if not n_tested:
        raise ValueError(
            f"{run.path} learned from all songs of {tracks.corpus.name}, so none is left to score it on; what its "
            "cross-validation reached stands in its model card (`mood export`)"
        )
    if not n_here:
        raise ValueError(
            f"none of the {n_tested} songs that {run.path} was tested on is in this table of {tracks.corpus.name}, and "
            "it may have learned from the others; give the table it was trained on"
        )
    which = "the run's own test songs"
    return which if same else f"{which}, of which {n_here} of {n_tested} are left in a table that changed since"
