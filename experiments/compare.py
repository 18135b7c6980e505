"""Which model is better, and by how much more than chance? (paper: main table)

Run: python experiments/compare.py runs/fusion --out reports/fusion
Reads run folders only and needs no GPU. Writes report.md, .tex and .html (the whole comparison with its figures, PDF
and PNG), comparison.md, .csv and .tex (the tables) and differences.csv. Runs that are missing, unfinished or flattered
are marked; what cannot be compared fairly is refused. Numbers to expect stand in the header of the experiment that
wrote the runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from research.command import run_command
from research.reports.comparisons import compare_models, not_compared
from research.reports.overview import write_comparison
from research.reports.pooling import unfinished_models
from research.reports.predictions import find_runs, read_runs
from research.reports.scores import score_models
from research.reports.tables import caption, difference_sentence, display_table
from research.reports.written import write_report


@dataclass(frozen=True, kw_only=True)
class Config:
    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run folders, or folders that hold them at any depth."""
    out: Path | None = None
    """Folder of the report; reports/NAME OF THE FIRST FOLDER when left out."""
    reference: str | None = None
    """Model the others are compared with; the best of those of one side (audio or lyrics) when left out."""
    tracks: Path | None = None
    """Track table of the corpus, for coverage and titles; data/NAME/tracks.parquet, if there, when left out."""
    figures: bool = True
    """Draw them; tables and text alone are there in a fraction of the time."""


def report(
    folders: Sequence[Path],
    out: Path,
    reference: str | None = None,
    tracks: Path | None = None,
    figures: bool = True,
) -> None:
    """Score the runs in `folders`, print the comparison and write it to `out`."""
    found = dict.fromkeys(run.resolve() for folder in folders for run in find_runs(folder))
    runs = read_runs(found)
    scores, unscored = score_models(runs), unfinished_models(runs)
    comparisons = compare_models(scores, reference)
    write_comparison(scores, comparisons, unscored, out)
    write_report(scores, comparisons, unscored, out, tracks, figures)
    print(
        caption(scores, comparisons), display_table(scores, comparisons).to_string(index=False), sep="\n\n", end="\n\n"
    )
    for score in scores:
        print(f"{score.name} ({score.protocol}): {'; '.join(score.notes)}")
    for found_difference in comparisons:
        print(difference_sentence(found_difference, len(comparisons)))
    for sentence in (*not_compared(scores, comparisons), *unscored):
        print(sentence)
    beside = "; figures beside them" if figures else ""
    print(f"written: {out / 'report.html'}, .md, .tex; {out / 'comparison.md'}, .csv, .tex{beside}")


def main(config: Config) -> None:
    if not config.runs:
        raise ValueError("no folder of runs given; name at least one, such as runs/fusion")
    out = config.out or Path("reports") / config.runs[0].resolve().name
    report(config.runs, out, config.reference, config.tracks, config.figures)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
