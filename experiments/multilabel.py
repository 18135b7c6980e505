"""How well can a song's tags be told, by which loss, and do moods and tags help each other? (paper: tagging table)

Run: python experiments/multilabel.py --tracks data/qaed4/tracks.parquet --out runs/multilabel-qaed4
Learns the tags of at least --min-songs songs alone (by four losses), together with the moods, and the moods alone, on
one split: no artist on both sides, every tag in its share. The last epoch is kept, since what picks one for tags picks
another for moods; the scores from which tags are given are chosen by F1 on validation songs. Ends in reports/<name of
--out>/.
Cost: six trainings a fold and seed; from frozen sides some seconds each. Expected on qaed4, 100 tags, five folds, one
seed, four frozen sound encoders (--side audio --model.audio.frozen musicnn-msd musicnn-jamendo jamendo-mood-cnn
statistics --model.dropout 0.5 --train.epochs 20 --train.batch-size 32 --train.learning-rate 5e-4 --train.mixup 0.4):
PR-AUC .183 [.168, .198] against .057 of random order, ROC-AUC .776 [.763, .790]; macro-F1 .030 at one half, .213
[.199, .226] at tuned thresholds; tags lift the moods by 3.3 points of macro-F1 [+0.6, +6.1]; 173 s. On mirex_like's
words (21 tags): PR-AUC .089 [.075, .106] against .049.
A corpus without moods (MTG-Jamendo) leaves out what needs them; its own split: --protocol official.
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
"""What is asked of a song, and the loss of its tags."""


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path = Path("data/qaed4/tracks.parquet")
    """Track table with tags, written by `python -m data_prep CORPUS`."""
    out: Path = Path("runs/multilabel")
    """One run folder a model, fold and seed; runs that are finished are kept, interrupted ones go on."""
    min_songs: int = MIN_SONGS
    """Tags of fewer songs are left out."""
    protocol: Literal["artist", "official"] = "artist"
    """How songs are split: artist (disjoint folds with every tag in its share) or official (the corpus' own)."""
    folds: int = 5
    """Parts of the corpus; each is tested once."""
    seeds: int = 1
    """Trainings of each model and fold, from train.seed on; the folds are those of train.seed."""
    inputs: InputConfig = InputConfig()
    model: ModelConfig = ModelConfig(lyrics=LyricsConfig(model=MINILM, trainable_layers=0))
    """The model that learns each task; its width is the number of labels."""
    side: Side = "fusion"
    """fusion: sound and words, as far as the corpus has them; audio or lyrics: that side of the model alone."""
    train: TrainConfig = TrainConfig(select_by="last")
    """All but the tags' loss, which MODELS sets."""


def models(songs: Songs) -> dict[str, tuple[Task, str]]:
    """Of `MODELS`, those that the corpus has labels for."""
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
