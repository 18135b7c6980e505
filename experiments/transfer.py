"""What does a model trained on another corpus know of this one's moods? (paper: transfer table)

Run: python experiments/transfer.py --tracks data/qaed4/tracks.parquet --teacher data/mirex_like/tracks.parquet
     --seeds 2 --out runs/transfer-qaed4
The teacher never hears an artist of this corpus. A logistic regression reads nothing but its answers (log-probabilities
of its own moods, averaged over its folds): row "teacher". Beside it: the model trained on this corpus itself, and the
product of both (see ensemble.py).
Cost: 3 to 10 s a training, 2 minutes a corpus. Expected macro-F1 (own, teacher, both; 5 folds x 2 seeds; nju: official
split x 5 seeds): audio of qaed4 from mirex_like .740, .668, .732; audio of mirex_like from qaed4 .427, .397, .423;
lyrics of nju from mirex_like .488, .443, .489; lyrics of mirex_like from nju .427, .343, .435. No product can be told
apart from own.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from jaxtyping import Float
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from experiments.ensemble import describe_members, mean_answers, members_in_every_seed, runs_by_seed
from experiments.fusion import Side, model_of
from experiments.grid import FROZEN, STEADY, Grid, grid_splits, grid_trials, report_grid, run_grid
from research.command import run_command
from research.data.dataset import SongDataset
from research.data.songs import Songs
from research.models.classifier import ModelConfig
from research.runs import RunFolder, describe_run, prediction_frame
from research.splits.folds import Split, artist_folds
from research.tracks import TrackTable, artist_key
from research.training.config import TrainConfig
from research.training.loop import predict
from research.training.machine import process_state
from research.trials import Trial, labels_met, load_corpus, load_model, run_trial

OWN, TEACHER, BOTH = "own", "teacher", "own and teacher"


@dataclass(frozen=True, kw_only=True)
class Config:
    grid: tyro.conf.OmitArgPrefixes[Grid] = Grid(tracks=Path("data/qaed4/tracks.parquet"), out=Path("runs/transfer"))
    teacher: Path = Path("data/mirex_like/tracks.parquet")
    """Track table of the other corpus."""
    side: Side = "audio"
    """What the teacher judges by; both corpora need it."""
    model: ModelConfig = FROZEN
    train: TrainConfig = STEADY


def without_artists(split: Split, tracks: TrackTable, others: TrackTable) -> Split:
    """The split without songs by artists of another corpus, and without songs whose artist is not known.

    Raises:
        ValueError: nothing is left of a part.
    """
    foreign = {*others.artist_keys, ""}
    strange = np.array([artist_key(artist) not in foreign for artist in tracks.frame["artist"]])
    parts = {name: rows[strange[rows]] for name, rows in vars(split).items() if isinstance(rows, np.ndarray)}
    if empty := [name for name, rows in parts.items() if not len(rows)]:
        names = f"{tracks.corpus.name} shares its artists with {others.corpus.name}"
        raise ValueError(f"{names}: no song is left for {', '.join(empty)}; take another teacher")
    return replace(split, **parts)


def teacher_answers(config: Config, songs: Songs) -> Float[np.ndarray, "songs teacher_moods"]:
    """Log-probabilities of the teacher's moods for all songs of this corpus, also where the side it judges by lacks."""
    other = load_corpus(config.teacher, config.grid.inputs, config.model)
    folder = config.grid.out.with_name(f"{config.grid.out.name}-teacher")
    model = model_of(config.side, config.model, other)
    everything = SongDataset(
        songs, np.arange(len(songs.tracks)), read_audio=model.audio is not None, read_lyrics=model.lyrics is not None
    )
    answers = []
    for split in artist_folds(other.tracks, config.grid.folds):
        trial = Trial(
            name=f"{TEACHER} of {other.tracks.corpus.name}",
            model=model,
            train=config.train,
            split=without_artists(split, other.tracks, songs.tracks),
            n_folds=config.grid.folds,
            folder=folder / f"{TEACHER}-fold{split.fold}",
        )
        run_trial(other, trial)
        found = predict(load_model(other, trial), everything, config.train)
        answers.append(log_softmax(found.logits, axis=1))
    return np.mean(answers, axis=0)


def learn_from_teacher(known: Float[np.ndarray, "songs teacher_moods"], songs: Songs, split: Split) -> Pipeline:
    """Which of this corpus' moods goes with which answers of the teacher, from the training songs."""
    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return regression.fit(known[split.train], songs.targets[split.train])


def write_student(run: RunFolder, known: np.ndarray, songs: Songs, split: Split) -> None:
    """The run of a fold that reads the teacher's answers alone."""
    student = learn_from_teacher(known, songs, split)
    frames = []
    for part, rows in (("valid", split.valid), ("test", split.test)):
        logits = student.predict_log_proba(known[rows])
        place = {"split": part, "fold": split.fold, "seed": 0}
        frames.append(prediction_frame(songs.tracks, rows, logits, songs.targets[rows], **place))
    run.finish(pd.concat(frames, ignore_index=True), {"parameters": student[-1].coef_.size})


def main(config: Config) -> None:
    grid = config.grid
    songs = load_corpus(grid.tracks, grid.inputs, config.model)
    model, splits = model_of(config.side, config.model, songs), grid_splits(grid, songs)
    own = {OWN: (model, config.train)}
    run_grid(grid, songs, splits, own)
    known = teacher_answers(config, songs)
    if process_state().is_main_process:
        for split in splits:
            said = partial(describe_run, songs.tracks, split, group=grid.out.name, n_folds=len(splits))
            place = f"{split.protocol}-fold{split.fold}"
            told = said(name=TEACHER, seed=0) | labels_met(model, songs.tracks.corpus)
            student = RunFolder.open(grid.out / f"teacher-{place}", told)
            if not student.finished:
                write_student(student, known, songs, split)
            runs = [*(RunFolder.load(trial.folder) for trial in grid_trials(grid, [split], own)), student]
            for seed, members in runs_by_seed(runs).items():
                told = said(name=BOTH, seed=seed) | describe_members(members, members_in_every_seed(runs))
                both = RunFolder.open(grid.out / f"both-{place}-seed{seed}", told)
                if not both.finished:
                    both.finish(mean_answers(members, seed), {})
    report_grid(grid, OWN)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
