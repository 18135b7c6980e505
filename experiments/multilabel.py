"""How well can tags be predicted, with which loss, and do moods and tags help each other? (paper: tagging table)

Run: python experiments/multilabel.py --tracks data/qaed4/tracks.parquet --out runs/multilabel-qaed4
Learns the tags that at least --min-songs songs have (with four losses), tags and moods together, and moods alone, on
one split: artist-disjoint, every tag in its share. The last epoch is kept, because selecting it for tags and for moods
would give different epochs; the decision thresholds of tags are tuned by F1 on validation songs. Writes to
reports/<name of --out>/.
Cost: six trainings per fold and seed; with frozen encoders a few seconds each. Expected on qaed4, 100 tags, five folds,
one seed, four frozen audio encoders (--side audio --model.audio.frozen musicnn-msd musicnn-jamendo jamendo-mood-cnn
statistics --model.dropout 0.5 --train.epochs 20 --train.batch-size 32 --train.learning-rate 5e-4 --train.mixup 0.4):
PR-AUC .186 [.171, .202] against .057 for a random ranking, ROC-AUC .780 [.766, .793]; macro-F1 .030 at one half, .219
[.204, .233] at tuned thresholds; moods learned with tags have macro-F1 .754, alone .748: +0.5 points [+0.1, +1.1];
170 s of CPU. On lyrics of mirex_like (21 tags, epochs selected by PR-AUC): .089 [.075, .106] against .049.
For a corpus without moods (MTG-Jamendo) what needs moods is skipped; for its own split: --protocol official.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from experiments.fusion import Side, model_of
from research.command import run_command
from research.data.songs import InputConfig, Songs, with_labels
from research.labels import MIN_SONGS, Task, label_space
from research.models.classifier import ModelConfig
from research.models.lyrics import MINILM, LyricsConfig
from research.reports.tagging import write_tagging_report
from research.splits.folds import leakage
from research.splits.tags import known_in, tag_splits
from research.training.config import TrainConfig
from research.training.machine import process_state
from research.trials import Trial, load_corpus, run_trial

REFERENCE = "tags"
MODELS: dict[str, tuple[Task, str]] = {
    REFERENCE: ("tags", "bce"),
    "tags-weighted": ("tags", "weighted_bce"),
    "tags-focal": ("tags", "focal"),
    "tags-asymmetric": ("tags", "asymmetric"),
    "moods+tags": ("moods+tags", "bce"),
    "moods": ("moods", "bce"),
}
"""What is predicted for a song, and the loss of its tags."""


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path = Path("data/qaed4/tracks.parquet")
    """Track table with tags, written by `python -m data_prep CORPUS`."""
    out: Path = Path("runs/multilabel")
    """One run folder per model, fold and seed; finished runs are kept, interrupted ones resume."""
    min_songs: int = MIN_SONGS
    """Tags with fewer songs are left out."""
    protocol: Literal["artist", "official"] = "artist"
    """How songs are split: artist (disjoint folds with every tag in its share) or official (the corpus' own)."""
    folds: int = 5
    """Number of folds; each is tested once."""
    seeds: int = 1
    """Training runs per model and fold, from train.seed on; the folds are those of train.seed."""
    inputs: InputConfig = InputConfig()
    model: ModelConfig = ModelConfig(lyrics=LyricsConfig(model=MINILM, trainable_layers=0))
    """The model that learns each task; its width is the number of labels."""
    side: Side = "fusion"
    """fusion: audio and lyrics, as far as the corpus has them; audio or lyrics: that modality alone."""
    train: TrainConfig = TrainConfig(select_by="last")
    """All but the tags' loss, which MODELS sets."""


def models(songs: Songs) -> dict[str, tuple[Task, str]]:
    """Those of `MODELS` that the corpus has labels for."""
    has_moods = bool(songs.tracks.corpus.labels)
    return {name: (task, loss) for name, (task, loss) in MODELS.items() if task == "tags" or has_moods}


def main(config: Config) -> None:
    songs = load_corpus(config.tracks, config.inputs, config.model)
    everything: Task = "moods+tags" if songs.tracks.corpus.labels else "tags"
    space = label_space(songs.tracks, everything, config.min_songs)
    splits = tag_splits(songs.tracks, space, config.protocol, config.folds, config.train.seed)
    model = model_of(config.side, config.model, songs)
    is_main = process_state().is_main_process
    for split in splits:
        if is_main:
            print(leakage(songs.tracks, split, songs.digests).summary())
        for name, (task, tag_loss) in models(songs).items():
            asked = with_labels(songs, label_space(songs.tracks, task, config.min_songs))
            for seed in range(config.train.seed, config.train.seed + config.seeds):
                trial = Trial(
                    name=name,
                    model=model,
                    train=replace(config.train, tag_loss=tag_loss, seed=seed),
                    split=known_in(split, asked.targets),
                    n_folds=len(splits),
                    folder=config.out / f"{name}-fold{split.fold}-seed{seed}",
                )
                run_trial(asked, trial)
    if is_main:
        print(write_tagging_report(config.out, Path("reports") / config.out.name, REFERENCE))


if __name__ == "__main__":
    run_command(main, Config, __doc__)
