"""What is made of a corpus once it is prepared: its spectrograms, and the slides' pictures of them."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from data_prep.engine import check_dask, dask_engine

if TYPE_CHECKING:
    from research.tracks import TrackTable

MEL, PICTURES = "mel", "pictures"
UNSPLIT = "all"
"""Folder of the pictures of songs that stand in no split."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """Optional features; training computes those it needs anyway."""

    features: bool = False
    """Compute the spectrograms now and write them to mel/ beside the table."""
    pictures: bool = False
    """Also draw the slides' JPGs, in pictures/<split>/<mood>/; implies --features."""
    engine: Literal["local", "dask"] = "local"
    """Where spectrograms are computed, with identical results: this machine or a Dask cluster (docs/scale.md)."""
    address: str | None = None
    """Scheduler of the Dask cluster, tcp://HOST:8786 if started by `dask scheduler`; its workers share this disk."""

    def check(self) -> None:
        """Refuse what cannot work, before hours of work.

        Raises:
            ValueError: flags that do not go together, or no Dask.
        """
        if self.engine == "dask":
            check_dask(self.address)
            if not (self.features or self.pictures):
                raise ValueError("--engine dask has nothing to compute; say --features")
        elif self.address is not None:
            raise ValueError("--address goes with --engine dask")


def build(table: "TrackTable", wanted: Build) -> list[str]:
    """Make what is wanted; what was made, a line each.

    Raises:
        ValueError: no song has audio, its store was made with other settings, or no cluster answers.
    """
    if not (wanted.features or wanted.pictures):
        return []
    if table.frame["audio"].isna().all():
        raise ValueError(f"{table.folder}: no song has audio to make spectrograms of; leave out --features, --pictures")
    # Imported here: they take a second, which only who wants them should wait.
    from research.features.building import build_store
    from research.features.picture import write_pictures

    with dask_engine(wanted.address) if wanted.engine == "dask" else nullcontext() as engine:
        store = build_store(table, table.folder / MEL, engine=engine)
    n_songs = sum(track_id in store for track_id in table.frame["track_id"])
    said = [f"spectrograms of {n_songs} songs in {table.folder / MEL}; audio of {len(store.skipped)} is unreadable"]
    if wanted.pictures:
        splits = table.frame["split"].fillna(UNSPLIT)
        parts = {split: (splits == split).to_numpy().nonzero()[0] for split in splits.unique()}
        n_drawn = write_pictures(table, store, parts, table.folder / PICTURES)
        said.append(f"{n_drawn} new pictures in {table.folder / PICTURES}")
    return said
