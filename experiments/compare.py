"""Which model is better, and by more than chance? (paper: main table)

Run: python experiments/compare.py runs/fusion --out reports/fusion
Reads run folders only and needs no GPU. Writes report.md, .tex and .html (the whole comparison with its figures, PDF
and PNG), comparison.md, .csv and .tex (the tables) and differences.csv. Runs that are missing, unfinished or whose
scores are inflated are marked; comparisons that would be unfair are refused. Expected numbers are in the header of the
experiment that wrote the runs. With --wandb PROJECT/GROUP also against Weights & Biases (docs/wandb.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import tyro

from research.command import run_command
from research.reports.comparisons import compare_models, not_compared
from research.reports.overview import write_comparison
from research.reports.pooling import unfinished_models
from research.reports.predictions import find_runs, read_runs
from research.reports.scores import score_models
from research.reports.tables import (
    caption,
    comparison_table,
    difference_sentence,
    differences_table,
    display_table,
)
from research.reports.written import write_report


@dataclass(frozen=True)
class Report:
    """What a comparison found, for its callers."""

    tables: dict[str, pd.DataFrame]
    figures: dict[str, Path]
    sentences: list[str]


@dataclass(frozen=True, kw_only=True)
class Config:
    runs: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Run folders, or folders that contain them at any depth."""
    out: Path | None = None
    """Folder of the report; by default reports/NAME OF THE FIRST FOLDER."""
    reference: str | None = None
    """Model the others are compared with; by default the best of the models of one modality (audio or lyrics)."""
    tracks: Path | None = None
    """Track table of the corpus, for coverage and titles; by default data/NAME/tracks.parquet, if it exists."""
    wandb: str | None = None
    """PROJECT/GROUP or ENTITY/PROJECT/GROUP in Weights & Biases: its runs are checked against the folders, or read
    where no folder is given; tables and figures are logged there as one report. Needs a key."""
    figures: bool = True
    """Draw figures; without them the report takes a fraction of the time."""


def report(
    folders: Sequence[Path],
    out: Path,
    reference: str | None = None,
    tracks: Path | None = None,
    notes: Sequence[str] = (),
    draw: bool = True,
) -> Report:
    """Score the runs in `folders`, print the comparison and write it to `out`.

    Args:
        notes: sentences on the runs to print and write beside those of the comparison.
        draw: whether to draw figures.
    """
    found = dict.fromkeys(run.resolve() for folder in folders for run in find_runs(folder))
    runs = read_runs(found)
    scores, unscored = score_models(runs), [*unfinished_models(runs), *notes]
    comparisons = compare_models(scores, reference)
    write_comparison(scores, comparisons, unscored, out)
    figures = write_report(scores, comparisons, unscored, out, tracks, draw)
    print(
        caption(scores, comparisons), display_table(scores, comparisons).to_string(index=False), sep="\n\n", end="\n\n"
    )
    for score in scores:
        print(f"{score.name} ({score.protocol}): {'; '.join(score.notes)}")
    sentences = [difference_sentence(found_difference, len(comparisons)) for found_difference in comparisons]
    sentences += [*not_compared(scores, comparisons), *unscored]
    print(*sentences, sep="\n")
    beside = "; figures beside them" if draw else ""
    print(f"written: {out / 'report.html'}, .md, .tex; {out / 'comparison.md'}, .csv, .tex{beside}")
    tables = {"scores": comparison_table(scores), "differences": differences_table(comparisons)}
    return Report(tables, {name: out / f"{name}.png" for name in figures}, sentences)


def report_with_mirror(config: Config, name: str) -> None:
    """The same beside Weights & Biases: runs from there or checked against it, the report logged back.

    Raises:
        ValueError: no key, a group that cannot be read, or nothing to compare offline.
    """
    # Imported where it is asked for: it takes a second, and torch.
    from research.tracking.mirrors import Place, can_read, fetch_runs, log_report, mirror_differences, read_mirrors

    place = Place.parse(name)
    out, folders = _out(config, place.group), config.runs
    if not can_read():
        if not folders:
            raise ValueError("WANDB_MODE=offline reads no runs from W&B; name a folder of runs")
        notes = ["W&B was not read: WANDB_MODE=offline"]
    elif folders:
        runs = [run for folder in folders for run in find_runs(folder)]
        agree = [f"W&B ({place}) agrees with the {len(runs)} run folders"]
        notes = mirror_differences(read_mirrors(place), runs) or agree
    else:
        folders = fetch_runs(read_mirrors(place), out / "runs")
        notes = [f"{len(folders)} runs read from W&B ({place}), which has no validation songs"]
    found = report(folders, out, config.reference, config.tracks, notes, config.figures)
    log_report(place, out, found.tables, found.figures, found.sentences)


def main(config: Config) -> None:
    if config.wandb is not None:
        report_with_mirror(config, config.wandb)
    elif not config.runs:
        raise ValueError("no folder of runs given; name at least one, such as runs/fusion")
    else:
        name = config.runs[0].resolve().name
        report(config.runs, _out(config, name), config.reference, config.tracks, draw=config.figures)


def _out(config: Config, name: str) -> Path:
    return config.out or Path("reports") / name


if __name__ == "__main__":
    run_command(main, Config, __doc__)
