"""All classical baselines on one corpus; one that the corpus cannot feed says why, the others still run.

Run: python -m baselines --tracks data/mirex_like/tracks.parquet --out runs/mirex_like
"""

import sys

import tyro

from baselines.classical import Baseline, Config, run_baseline
from baselines.features_svm import SVM
from baselines.late_mean import LATE_MEAN
from baselines.lexicon import LEXICON_WORDS
from baselines.majority import MAJORITY
from baselines.tfidf import TFIDF

BASELINES = (MAJORITY, LEXICON_WORDS, TFIDF, SVM, LATE_MEAN)
"""In the order in which they can run: the mean needs its sides."""


def run_all(config: Config, baselines: tuple[Baseline, ...] = BASELINES) -> dict[str, str]:
    """Run each baseline; returns why the ones were left out that could not."""
    left_out = {}
    for baseline in baselines:
        try:
            run_baseline(baseline, config)
        except ValueError as error:
            left_out[baseline.name] = str(error)
            print(f"{baseline.name} left out: {error}", file=sys.stderr)
    return left_out


def main(config: Config) -> None:
    if len(run_all(config)) == len(BASELINES):
        sys.exit(f"{config.tracks}: no baseline could run; the reasons stand above")


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
