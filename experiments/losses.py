"""Which loss is best for rare moods, and what does it do to the probabilities? (paper: loss table)

Run: python experiments/losses.py --tracks data/qaed4/tracks.parquet --out runs/losses-qaed4
Songs are drawn in the slides' proportions of three moods: 55 % happy, 35 % sad, 10 % angry. Each loss is compared with
plain cross-entropy; all select their epoch by macro-F1 on validation songs. Writes to reports/<name of --out>/: the
comparison, and calibration.md.
Cost: six trainings per fold and seed; with frozen encoders a few seconds each, 2 to 4 minutes in all. Expected,
macro-F1: audio of qaed4 (326 songs, options as in multilabel.py) cross-entropy .860, and no loss changes that (+0.5 to
-2.6 points, all intervals include 0); lyrics of mirex_like (195 songs, --side lyrics --seeds 2 --mix cheerful .55
poignant .35 aggressive .10) cross-entropy .467, effective number .475, focal .464, label smoothing .463, inverse
weights .454, logit-adjusted .442.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.compare import report
from experiments.fusion import Side, model_of
from research.atomic import write_text
from research.command import run_command
from research.data.songs import InputConfig, Songs, with_labels
from research.labels import LabelSpace
from research.models.classifier import ModelConfig
from research.models.lyrics import MINILM, LyricsConfig
from research.reports.calibrated import calibration_table, score_calibration
from research.reports.formats import markdown_table
from research.reports.predictions import find_runs, read_runs
from research.reports.scores import score_models
from research.splits.folds import make_splits
from research.splits.mixes import mixed_counts, sample_moods, songs_by_mood
from research.training.config import TrainConfig
from research.training.machine import process_state
from research.trials import Trial, load_corpus, run_trial

REFERENCE = "cross-entropy"
PLAIN = {"loss": "cross_entropy", "class_weights": "none", "label_smoothing": 0.0}
LOSSES: dict[str, dict[str, Any]] = {
    REFERENCE: PLAIN,
    "label-smoothing": PLAIN | {"label_smoothing": 0.1},
    "inverse-weights": PLAIN | {"class_weights": "balanced"},
    "effective-number": PLAIN | {"class_weights": "effective_number"},
    "focal": PLAIN | {"loss": "focal"},
    "logit-adjusted": PLAIN | {"loss": "logit_adjusted"},
}
"""The settings of TrainConfig that define each loss; everything else is the same."""


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path = Path("data/synthetic/tracks.parquet")
    """Track table written by `python -m data_prep CORPUS`."""
    out: Path = Path("runs/losses")
    """One run folder per loss, fold and seed; finished runs are kept, interrupted ones resume."""
    mix: tuple[tuple[str, float], ...] = (("happy", 0.55), ("sad", 0.35), ("angry", 0.10))
    """Moods and their proportions; as many songs are drawn as these allow. Example: --mix happy .55 sad .45"""
    protocol: str = "artist"
    """How songs are split: artist (disjoint folds), official (the corpus' own), random (artists leak)."""
    folds: int = 5
    """Number of folds of the drawn songs; each is tested once."""
    seeds: int = 3
    """Training runs per loss and fold, from train.seed on; the songs and folds are those of train.seed."""
    inputs: InputConfig = InputConfig()
    model: ModelConfig = ModelConfig(lyrics=LyricsConfig(model=MINILM, trainable_layers=0))
    """The model that every loss trains."""
    side: Side = "fusion"
    """fusion: audio and lyrics, as far as the corpus has them; audio or lyrics: that modality alone."""
    train: TrainConfig = TrainConfig()
    """All but loss, class weights and label smoothing, which LOSSES sets."""


def mixed_songs(songs: Songs, config: Config) -> Songs:
    """The drawn songs, as a corpus whose name states their numbers in every table."""
    counts = mixed_counts(songs_by_mood(songs.tracks), dict(config.mix))
    drawn = sample_moods(songs.tracks, counts, config.train.seed)
    told = ", ".join(f"{mood} {count}" for mood, count in counts.items())
    drawn = replace(drawn, corpus=replace(drawn.corpus, name=f"{drawn.corpus.name} ({told})"))
    return with_labels(replace(songs, tracks=drawn), LabelSpace(drawn.corpus.labels))


def write_calibration(runs: Path, out: Path) -> str:
    """Write `calibration.md`: how well calibrated each loss is, before and after temperature scaling."""
    found = [score_calibration(score) for score in score_models(read_runs(find_runs(runs)))]
    table = calibration_table(found)
    lines = ["# Calibration by loss", "", *markdown_table(list(table.columns), table.to_numpy().tolist())]
    text = "\n".join(lines) + "\n"
    write_text(out / "calibration.md", text)
    return text


def main(config: Config) -> None:
    songs = mixed_songs(load_corpus(config.tracks, config.inputs, config.model), config)
    model = model_of(config.side, config.model, songs)
    splits = make_splits(songs.tracks, config.protocol, config.folds, config.train.seed)
    seeds = range(config.train.seed, config.train.seed + config.seeds)
    for name, loss in LOSSES.items():
        for split in splits:
            for seed in seeds:
                train = replace(config.train, **loss, seed=seed)
                folder = config.out / f"{name}-fold{split.fold}-seed{seed}"
                run_trial(
                    songs,
                    Trial(name=name, model=model, train=train, split=split, n_folds=len(splits), folder=folder),
                )
    if process_state().is_main_process:
        out = Path("reports") / config.out.name
        report([config.out], out, reference=REFERENCE)
        print(write_calibration(config.out, out))


if __name__ == "__main__":
    run_command(main, Config, __doc__)
