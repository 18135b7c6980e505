"""The slides' two networks by both protocols, the classical baselines, and their report; `make baselines` runs this.

Run: python -m baselines --tracks data/qaed4/tracks.parquet --out runs/baselines-qaed4
Writes to reports/<name of --out>/. A baseline that this corpus or machine cannot run is skipped with the reason.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from baselines import classical, picture_models
from baselines.classical import Baseline, run_baseline
from baselines.features_svm import SVM
from baselines.late_mean import LATE_MEAN
from baselines.lexicon import LEXICON_WORDS
from baselines.majority import MAJORITY
from baselines.model1 import FROM_NOTHING
from baselines.picture_models import PARTS, SPLIT_SEED, Mix, run_slide_model
from baselines.report import write_baselines_report
from baselines.slides import MODEL_1, MODEL_2, SlideModel
from baselines.tfidf import TFIDF
from research.command import run_command
from research.models.audio import IMAGENET
from research.models.picture import PictureConfig

BASELINES = (MAJORITY, LEXICON_WORDS, TFIDF, SVM, LATE_MEAN)
"""In the order in which they can run: the mean needs its sides."""
PROTOCOLS = ("slides", "honest")


@dataclass(frozen=True, kw_only=True)
class Config:
    tracks: Path = Path("data/synthetic/tracks.parquet")
    """Track table written by `python -m data_prep CORPUS`."""
    out: Path = Path("runs/baselines")
    """One run folder per baseline, protocol, fold and seed; finished runs are kept, interrupted ones resume."""
    split: Literal["artist", "official"] = "artist"
    """Split of the honest protocol: artist-disjoint, or the corpus' official one."""
    folds: int = 1
    """How many of the honest protocol's four folds the networks are tested on; 4 tests every song."""
    seeds: int = 1
    """Training runs per network and split."""
    weights: str = IMAGENET
    """What Model 2 starts from: "imagenet" (torchvision's, downloaded once) or a file with a ResNet18 state dict."""
    fine_tuned: bool = False
    """Also train Model 2 with all layers trainable, which the slides did not."""
    mix: Mix = "corpus"
    """slides: Model 2 on songs drawn in the proportions of its three moods on the slides. Its runs stand beside those
    on all songs, so a second call adds the other mix to the report."""


def run_classical(config: classical.Config, baselines: Sequence[Baseline] = BASELINES) -> dict[str, str]:
    """Run each classical baseline; returns why the ones were left out that could not."""
    left_out: dict[str, str] = {}
    for baseline in baselines:
        _try(baseline.name, partial(run_baseline, baseline, config), left_out)
    return left_out


def run_networks(config: Config) -> dict[str, str]:
    """Train the slides' networks by both protocols; returns why the ones were left out that could not."""
    left_out: dict[str, str] = {}
    for model, picture in networks(config):
        for protocol in PROTOCOLS:
            task = picture_models.Config(
                tracks=config.tracks,
                out=config.out,
                protocol=protocol,
                split=config.split,
                folds=config.folds,
                seeds=config.seeds,
                mix=config.mix if model.name == MODEL_2.name else "corpus",
            )
            name = f"{picture_models.run_name(model, picture, task.mix)} ({protocol})"
            _try(name, partial(run_slide_model, model, picture, task), left_out)
    return left_out


def networks(config: Config) -> list[tuple[SlideModel, PictureConfig]]:
    found = [(MODEL_1, FROM_NOTHING), (MODEL_2, PictureConfig(weights=config.weights, frozen=True))]
    return [*found, (MODEL_2, PictureConfig(weights=config.weights))] if config.fine_tuned else found


def _try(name: str, run: Callable[[], None], left_out: dict[str, str]) -> None:
    try:
        run()
    except ValueError as error:
        left_out[name] = str(error)
        print(f"{name} left out: {error}", file=sys.stderr)


def main(config: Config) -> None:
    simple = classical.Config(tracks=config.tracks, out=config.out, protocol=config.split, folds=PARTS, seed=SPLIT_SEED)
    left_out = run_classical(simple, BASELINES) | run_networks(config)
    if len(left_out) == len(BASELINES) + len(PROTOCOLS) * len(networks(config)):
        sys.exit(f"{config.tracks}: no baseline could run; the reasons stand above")
    out = Path("reports") / config.out.name
    print(write_baselines_report(config.out, out, left_out))
    print(f"written: {out / 'baselines.md'}, .csv, .tex and learning_curves.pdf, .png")


if __name__ == "__main__":
    run_command(main, Config, __doc__)
