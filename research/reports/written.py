"""The written comparison: data, models, protocol, results, significance, calibration, errors, cost, limits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from research.reports.calibrated import calibration_table, score_calibration
from research.reports.comparisons import Comparison
from research.reports.corpus import corpus_blocks, find_tracks, titles
from research.reports.document import (
    Block,
    Bullets,
    FigureFile,
    Heading,
    Paragraph,
    Table,
    to_html,
    to_latex,
    to_markdown,
)
from research.reports.formats import NONE, share, write_text
from research.reports.marks import Mark, flat_settings
from research.reports.mistakes import hardest_artists, worst_songs
from research.reports.overview import difference_blocks, notes_block, score_block
from research.reports.plots import write_figures
from research.reports.scores import ModelScore
from research.reports.tables import corpus_name
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
) -> None:
    """Write `report.md`, `.tex` and `.html` with their figures into a folder.

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
        *_models(scores),
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
        _cost(scores),
        Heading("Limits"),
        Bullets(_limits(scores)),
    ]
    title = f"Models of mood compared on {corpus_name(scores[0])}"
    for suffix, render in (("md", to_markdown), ("tex", to_latex), ("html", to_html)):
        write_text(folder / f"report.{suffix}", render(title, blocks))


def _pick(figures: Mapping[str, FigureFile], *names: str) -> list[FigureFile]:
    """Those that were drawn."""
    return [figures[name] for name in names if name in figures]


def _models(scores: Sequence[ModelScore]) -> list[Block]:
    """The settings in which the models differ, and those they share."""
    settings = [_settings(score.config) for score in scores]
    keys = list(dict.fromkeys(key for found in settings for key in found))
    different = [key for key in keys if len({found.get(key, NONE) for found in settings}) > 1]
    shared = [f"{key} {settings[0][key]}" for key in keys if key not in different]
    names = [f"{score.name} ({score.protocol})" for score in scores]
    rows = [[key, *(found.get(key, NONE) for found in settings)] for key in different]
    blocks: list[Block] = []
    if rows and len(scores) <= len(rows) + 6:
        blocks.append(Table(pd.DataFrame(rows, columns=["setting", *names]), "Where they differ.", "tab:settings"))
    return [*blocks, Paragraph(f"Shared settings: {'; '.join(shared) or 'none recorded'}.")]


def _settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Model and training; a path by its last part, for the rest tells of a machine."""
    return {key: Path(str(value)).name or str(value) for key, value in flat_settings(config).items()}


def _protocol(scores: Sequence[ModelScore]) -> list[str]:
    sentences = [
        f"{protocol}: {PROTOCOLS.get(protocol, 'a protocol of its own')}"
        for protocol in dict.fromkeys(score.protocol for score in scores)
    ]
    if any(score.fair for score in scores):
        sentences.append("epochs and settings are chosen on validation songs; test songs are predicted once")
    return [
        *sentences,
        "scores are means over seeds; intervals: 95 %, accuracy by Wilson over songs, the others by drawing artists",
        "temperature and the threshold below which answers are withheld come from validation songs",
    ]


def _spread(scores: Sequence[ModelScore]) -> Table:
    rows = []
    for score in scores:
        by_source = (score.spread.seed, score.spread.fold, score.spread.songs, score.spread.of_mean(len(score.seeds)))
        rows.append((score.name, score.protocol, *map(_deviation, by_source)))
    text = (
        "Standard deviation of accuracy by source, in points: training from another seed; another fold, which has "
        "other and fewer test songs; other artists to test on. Last, of the mean in the main table: seeds and songs."
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
        "errors on validation songs; then the accuracy of these answers."
    )
    return [Table(calibration_table(found), text, "tab:calibration")]


def _errors(scores: Sequence[ModelScore], tracks: TrackTable | None) -> list[Block]:
    fair = [score for score in scores if score.fair] or list(scores)
    best = max(fair, key=lambda score: score.accuracy.estimate)
    songs, artists = worst_songs(best, titles(tracks)), hardest_artists(best)
    blocks: list[Block] = [
        Table(songs, f"The wrong answers that {best.name} ({best.protocol}) is surest of.", "tab:worst")
    ]
    if len(artists):
        blocks.append(Table(artists, "Artists it is most often wrong about.", "tab:artists"))
    return blocks


def _cost(scores: Sequence[ModelScore]) -> Table:
    rows = []
    for score in scores:
        first = score.results[0]
        epochs = [result["epochs"] for result in score.results if "epochs" in result]
        memory = [result["peak_memory_gb"] for result in score.results if "peak_memory_gb" in result]
        rows.append(
            (
                score.name,
                score.protocol,
                str(len(score.folders)),
                NONE if score.train_s is None else f"{score.train_s / 60:.1f}",
                f"{min(epochs)} to {max(epochs)}" if epochs else NONE,
                *(f"{first[key]:,}" if key in first else NONE for key in ("parameters", "trained_parameters")),
                f"{max(memory):.1f}" if memory else NONE,
            )
        )
    header = ["model", "protocol", "runs", "minutes, all", "epochs", "parameters", "of them learning", "memory, GB"]
    return Table(pd.DataFrame(rows, columns=header), "What training cost on the machine of the runs.", "tab:cost")


def _limits(scores: Sequence[ModelScore]) -> list[str]:
    n_songs = len(scores[0].targets)
    limits = ["one corpus: how the models do on other music is not known"]
    if n_songs < SMALL:
        limits.append(f"{n_songs} test songs: small differences cannot be told from chance")
    if any(Mark.ONE_SEED in score.marks for score in scores):
        limits.append("models of one seed: their differences may be the luck of one training")
    limits.append("intervals hold the trained models fixed: they tell of other songs, not of training again")
    if any(score.config.get("train") for score in scores):
        limits.append("the seed draws the split as well as the first weights: its noise holds both")
    if not all(score.fair for score in scores):
        limits.append("marked models are flattered by test songs or artists that they knew")
    if scores[0].corpus["synthetic"]:
        limits.insert(0, "SYNTHETIC songs: no number here says anything about music")
    return limits
