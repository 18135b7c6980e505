"""Which songs of a corpus a run may be scored on: those it has not learned from, nor from their artists."""

from dataclasses import dataclass

from research.inference.predictor import MoodPredictor
from research.models.published import met_labels
from research.tracks import TrackTable


@dataclass(frozen=True)
class HeldOut:
    rows: tuple[int, ...]
    """Positions in the track table."""
    which: str
    """For people: which songs these are, and what flatters their scores."""


def held_out_songs(predictor: MoodPredictor, tracks: TrackTable) -> HeldOut:
    """Of the run's own corpus its test songs; of another one all but those by artists that it learned from.

    Raises:
        ValueError: the run is not finished, or no song is left.
    """
    if not predictor.test_songs:
        raise ValueError(f"{predictor.run.path} is not finished: it has tested no songs yet; finish the run first")
    same = tracks.fingerprint == predictor.run.config["corpus"].get("fingerprint")
    own = same or tracks.corpus.name == predictor.corpus
    rows, which = _own(predictor, tracks, same) if own else _others(predictor, tracks)
    audio = predictor.config.audio
    if met := met_labels(audio.frozen if audio else (), tracks.corpus):
        which += f"; optimistic: {', '.join(met)} learned from the source of their labels"
    return HeldOut(tuple(rows), which)


def _own(predictor: MoodPredictor, tracks: TrackTable, same: bool) -> tuple[list[int], str]:
    tested = set(predictor.test_songs)
    rows = [row for row, track_id in enumerate(tracks.frame["track_id"]) if track_id in tested]
    if not rows:
        raise ValueError(
            f"none of the {len(tested)} songs that {predictor.run.path} was tested on is in this table of "
            f"{tracks.corpus.name}, and it may have learned from the others; give the table it was trained on"
        )
    which = "the run's own test songs"
    if not same:
        which += f", of which {len(rows)} of {len(tested)} are left in a table that changed since"
    if predictor.run.config.get("selected_on") == "test":
        which += ", on which its epoch was picked"
    return rows, which


def _others(predictor: MoodPredictor, tracks: TrackTable) -> tuple[list[int], str]:
    learned, artists, which = predictor.run.artists, tracks.artist_keys, "all songs with a known mood"
    if learned is None:
        return list(range(len(tracks))), f"{which} (which artists the run learned from is not recorded)"
    rows = [row for row, artist in enumerate(artists) if artist not in learned]
    if not rows:
        raise ValueError(f"{predictor.run.path} learned from all artists of {tracks.corpus.name}; give other songs")
    if without := len(artists) - len(rows):
        which += f"; left out: {without} songs of the table, by artists that the run learned from"
    return rows, which
