"""Which model is better, and by how much more than chance? (paper: main table)

Run: python experiments/compare.py runs/fusion --out reports/fusion
Reads finished run folders only and needs no GPU: about 3 s for 3 models x 5 folds x 3 seeds on 600 songs.
Writes comparison.md, comparison.csv and comparison.tex. Numbers to expect stand in the header of the experiment that
wrote the runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from research.command import run_command
from research.reports.predictions import find_runs, read_runs
from research.reports.scores import differences, score_models
from research.reports.tables import caption, difference_sentence, display_table, write_report


@dataclass(frozen=True, kw_only=True)
class Config:
    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run folders, or folders that hold them at any depth."""
    out: Path | None = None
    """Folder of the report; reports/NAME OF THE FIRST FOLDER when left out."""
    reference: str | None = None
    """Model the others are compared with; the best of those of one side (audio or lyrics) when left out."""


def report(folders: Sequence[Path], out: Path, reference: str | None = None) -> None:
    """Score the runs in `folders`, print the comparison and write it to `out`."""
    found = dict.fromkeys(run.resolve() for folder in folders for run in find_runs(folder))
    scores = score_models(read_runs(found))
    against = differences(scores, reference)
    write_report(scores, against, out)
    print(caption(scores), display_table(scores).to_string(index=False), sep="\n\n", end="\n\n")
    for score in scores:
        print(f"{score.name} ({score.protocol}): {'; '.join(score.notes)}")
    for difference in against:
        print(difference_sentence(difference))
    print(f"written: {out / 'comparison.md'}, .csv, .tex")


def main(config: Config) -> None:
    if not config.runs:
        raise ValueError("no folder of runs given; name at least one, such as runs/fusion")
    report(config.runs, config.out or Path("reports") / config.runs[0].resolve().name, config.reference)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
