"""The written comparison: data, models, protocol, results, significance, calibration, errors, cost, limits."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from research.atomic import write_text
from research.reports.calibrated import calibration_table, score_calibration
from research.reports.comparisons import Comparison
from research.reports.corpus import corpus_blocks, find_tracks, tags_by_song, titles
from research.reports.cost import cost_table
from research.reports.document import (
    Block,
    Bullets,
    FigureFile,
    Heading,
    Table,
    to_html,
    to_latex,
    to_markdown,
)
from research.reports.formats import NONE, share
from research.reports.marks import MEANINGS, Mark
from research.reports.mistakes import LEAST_SONGS, LEAST_TAGGED, errors_by_tag, hardest_artists, worst_songs
from research.reports.overview import difference_blocks, notes_block, score_block
from research.reports.plots import write_figures
from research.reports.scores import ModelScore
from research.reports.settings import settings_blocks
from research.reports.tables import corpus_name, scope
from research.tracks import TrackTable

PROTOCOLS = {
    "artist": "cross-validation; no artist on two sides, moods in proportion",
    "official": "the split that the corpus publishes",
    "random": "cross-validation at random; artists stand on both sides, which flatters every model",
    "slides": "the slides' way: random split, the epoch picked on the test songs, which flatters every model",
}
SMALL = 1_000
"""Songs; fewer leave differences below some four points undecided."""


def write_report(
    scores: Sequence[ModelScore],
    comparisons: Sequence[Comparison],
    unscored: Sequence[str],
    folder: Path,
    table: Path | None = None,
    draw: bool = True,
) -> list[str]:
    """Write `report.md`, `.tex` and `.html` with their figures into a folder; returns the figures' names.

    Args:
        unscored: a sentence on each model without a score.
        table: track table of the corpus, for coverage and titles (see `find_tracks`).
        draw: with figures, which take most of the time.

    Raises:
        FileNotFoundError, ValueError: see `find_tracks`.
    """
    tracks, missing = find_tracks(scores[0], table)
    figures = write_figures(scores, comparisons, folder) if draw else {}
    blocks = [
        Heading("Data"),
        *corpus_blocks(scores[0], tracks, missing),
        Heading("Models"),
        *settings_blocks(scores),
        Heading("Protocol"),
        Bullets(_protocol(scores)),
        Heading("Results"),
        score_block(scores, comparisons, "tab:scores"),
        notes_block(scores, unscored),
        *_pick(figures, "scores", "learning_curves"),
        Heading("Significance"),
        *difference_blocks(scores, comparisons, unscored),
        *_pick(figures, "differences"),
        _spread(scores),
        Heading("Calibration"),
        *_calibration(scores),
        *_pick(figures, "reliability", "coverage"),
        Heading("Errors"),
        *_pick(figures, "confusion", "precision_recall", "plane"),
        *_errors(scores, tracks),
        Heading("Cost"),
        cost_table(scores),
        Heading("Limits"),
        Bullets(_limits(scores)),
    ]
    title = f"Models of mood compared on {corpus_name(scores[0])}"
    for suffix, render in (("md", to_markdown), ("tex", to_latex), ("html", to_html)):
        write_text(folder / f"report.{suffix}", render(title, blocks))
    return list(figures)


def _pick(figures: Mapping[str, FigureFile], *names: str) -> list[FigureFile]:
    """Those that were drawn."""
    return [figures[name] for name in names if name in figures]


def _protocol(scores: Sequence[ModelScore]) -> list[str]:
    sentences = [
        f"{protocol}: {PROTOCOLS.get(protocol, 'a protocol of its own')}"
        for protocol in dict.fromkeys(score.protocol for score in scores)
    ]
    if honest := [score for score in scores if Mark.CHOSEN_ON_TEST not in score.marks]:
        sentences.append(f"{_chosen_epoch(honest)}; test songs are predicted once")
    if honest != list(scores):
        sentences.append(f"but of models marked {Mark.CHOSEN_ON_TEST}: {MEANINGS[Mark.CHOSEN_ON_TEST]}")
    return [
        *sentences,
        "scores are means over seeds; intervals: 95 %, accuracy by Wilson over songs, the others by drawing artists",
        "temperature and the threshold below which answers are withheld come from validation songs",
    ]


def _chosen_epoch(scores: Sequence[ModelScore]) -> str:
    rules = {score.config["train"].get("select_by") for score in scores if score.config.get("train")}
    if rules == {"last"}:
        return "the last epoch is kept, whatever validation songs say"
    return "epochs and settings are chosen on validation songs"


def _spread(scores: Sequence[ModelScore]) -> Table:
    rows = []
    for score in scores:
        by_source = (score.spread.seed, score.spread.fold, score.spread.songs, score.spread.of_mean(len(score.seeds)))
        rows.append((score.name, score.protocol, *map(_deviation, by_source)))
    text = (
        "Standard deviation of accuracy by source, in points: training from another seed; another fold, which has "
        "other and fewer test songs; other artists to test on. Last, of the mean in the main table: seeds and songs. "
        f"{scope(scores)}"
    )
    header = ["model", "protocol", "seeds", "folds", "songs", "mean"]
    return Table(pd.DataFrame(rows, columns=header), text, "tab:spread")


def _deviation(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f}"


def _calibration(scores: Sequence[ModelScore]) -> list[Block]:
    found = [score_calibration(score) for score in scores]
    text = (
        "Without and with temperature T (above 1: the model was too sure, below: too shy). ECE: expected calibration "
        "error over ten bins of equal mass; a perfect model of as many songs would have about "
        f"{share((10 / len(scores[0].targets)) ** 0.5 / 3)}. Brier: 0 to 2. AURC: area under the risk-coverage curve, "
        "the mean error over all coverages. Surest half: accuracy of the more confident half of the answers. "
        "Answered: songs that get an answer if a model may say that no mood fits, at the threshold that halves its "
        f"errors on validation songs; then the accuracy of these answers. {scope(scores)}"
    )
    return [Table(calibration_table(found), text, "tab:calibration")]


def _errors(scores: Sequence[ModelScore], tracks: TrackTable | None) -> list[Block]:
    fair = [score for score in scores if score.fair] or list(scores)
    best = max(fair, key=lambda score: score.accuracy.estimate)
    name, at = f"{best.name} ({best.protocol})", scope([best])
    artists, by_tag = hardest_artists(best), errors_by_tag(best, tags_by_song(tracks))
    text = f"The wrong answers that {name} is surest of; probabilities are means over seeds. {at}"
    blocks: list[Block] = [Table(worst_songs(best, titles(tracks)), text, "tab:worst")]
    if len(artists):
        text = f"Artists of {LEAST_SONGS} or more test songs that {name} is most often wrong about. {at}"
        blocks.append(Table(artists, text, "tab:artists"))
    if len(by_tag):
        text = (
            f"Share of wrong answers of {name} among songs of a genre or other tag: the {len(by_tag)} most frequent of "
            f"{LEAST_TAGGED} or more test songs, with Wilson interval over songs; of all songs "
            f"{share(1 - best.accuracy.estimate)}. A song may have several tags. {at}"
        )
        blocks.append(Table(by_tag, text, "tab:tags"))
    return blocks


def _limits(scores: Sequence[ModelScore]) -> list[str]:
    n_songs = len(scores[0].targets)
    limits = ["one corpus: how the models do on other music is not known"]
    if n_songs < SMALL:
        limits.append(f"{n_songs} test songs: small differences cannot be told from chance")
    if any(Mark.ONE_SEED in score.marks for score in scores):
        limits.append("models of one seed: their differences may be the luck of one training")
    limits.append("intervals hold the trained models fixed: they tell of other songs, not of training again")
    limits += _limits_of_seeds(scores)
    if not all(score.fair for score in scores):
        limits.append("marked models are flattered by test songs, artists or labels that they knew")
    if scores[0].corpus["synthetic"]:
        limits.insert(0, "SYNTHETIC songs: no number here says anything about music")
    return limits


def _limits_of_seeds(scores: Sequence[ModelScore]) -> list[str]:
    """What the spread over seeds holds: of training alone, or of another split too."""
    several = [score for score in scores if len(score.seeds) > 1]
    limits = []
    if any((score.folds != score.folds[0]).any() for score in several):
        limits.append("the seed draws the folds as well as the first weights: its noise holds both")
    if any(score.n_folds > 1 and (score.folds == score.folds[0]).all() for score in several):
        limits.append("all seeds share their folds: what other folds would have done is not measured")
    return limits
