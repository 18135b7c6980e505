"""The report of `python -m baselines`: the slides' numbers, ours by their protocol, ours by an honest one.

Reads run folders alone. Runs on other songs or moods stand in one table, but are scored apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from baselines.slides import CROSS_TABLE, LABELS, MODEL_1, MODEL_2, SLIDES_MIX, cross_table_figures
from research.atomic import write_text
from research.evaluation.statistics import Interval, independent_difference, wilson_interval
from research.reports.figures.learning import Curve, Panel, learning_curves
from research.reports.figures.style import save_figure
from research.reports.formats import NONE, interval, latex_table, markdown_table, points, share
from research.reports.predictions import Run, find_runs, read_history, read_runs
from research.reports.scores import ModelScore, score_models
from research.reports.tables import comparison_table, corpus_name

SLIDES = "slides"
MEASURED = {
    MODEL_1.name: (cross_table_figures().accuracy, MODEL_1.majority_accuracy),
    MODEL_2.name: (wilson_interval(MODEL_2.test_accuracy * MODEL_2.n_test, MODEL_2.n_test), MODEL_2.majority_accuracy),
}
"""The slides' accuracy and that of the majority there; a corpus in their mix of moods is the closest to theirs."""
SLIDES_ACCURACY, SLIDES_MAJORITY = (
    {name + mix: numbers[place] for name, numbers in MEASURED.items() for mix in ("", SLIDES_MIX)} for place in (0, 1)
)
HEADER = (
    "model",
    "moods",
    "slides: accuracy [95 %]",
    "majority there",
    "ours, slides' protocol (optimistic): accuracy [95 %]",
    "majority there",
    "ours, honest: accuracy [95 %]",
    "ours, honest: macro-F1 [95 %]",
    "majority there",
)


@dataclass(frozen=True, eq=False)
class Row:
    """A model with its score under either protocol; one of the two may be missing."""

    name: str
    optimistic: ModelScore | None
    honest: ModelScore | None

    @property
    def scores(self) -> list[ModelScore]:
        return [score for score in (self.optimistic, self.honest) if score is not None]

    @property
    def flattery(self) -> Interval | None:
        """Accuracy by the slides' protocol minus the honest one; None without both."""
        if self.optimistic is None or self.honest is None:
            return None
        return independent_difference(self.optimistic.accuracy, self.honest.accuracy)


def write_baselines_report(runs: Path, out: Path, left_out: Mapping[str, str]) -> str:
    """Write `baselines.md`, `.csv`, `.tex` and the learning curves; returns the Markdown.

    Args:
        runs: folder of the run folders.
        left_out: why a model has no run, by its name.
    """
    found = read_runs(find_runs(runs))
    rows = collect_rows(found)
    scores = [score for row in rows for score in row.scores]
    table = display(rows)
    text = "\n".join(_markdown(rows, table, found, left_out)) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "baselines.md", text)
    write_text(out / "baselines.csv", _csv(rows, comparison_table(scores)))
    write_text(out / "baselines.tex", latex_table(table, _caption(scores), f"tab:{out.name}"))
    if panels := _panels(rows, found):
        save_figure(learning_curves(panels, "accuracy"), out, "learning_curves")
    return text


def collect_rows(runs: Sequence[Run]) -> list[Row]:
    """Score every model; classical baselines on those folds alone that the networks of the same task were tested on."""
    tasks: dict[tuple, list[Run]] = {}
    for run in runs:
        tasks.setdefault((run.config["corpus"]["fingerprint"], *run.config["labels"]), []).append(run)
    scores = [score for task in tasks.values() for score in score_models(_same_folds(task))]
    names = sorted({score.name for score in scores}, key=lambda name: (not name.startswith(SLIDES), name))

    def pick(name: str, slides: bool) -> ModelScore | None:
        return next((s for s in scores if s.name == name and (s.protocol == SLIDES) == slides), None)

    return [Row(name, pick(name, slides=True), pick(name, slides=False)) for name in names]


def display(rows: Iterable[Row]) -> pd.DataFrame:
    """The table as printed."""
    lines = [
        (
            row.name,
            ", ".join(row.scores[0].labels),
            interval(SLIDES_ACCURACY[row.name]) if row.name in SLIDES_ACCURACY else NONE,
            share(SLIDES_MAJORITY[row.name]) if row.name in SLIDES_MAJORITY else NONE,
            interval(row.optimistic.accuracy) if row.optimistic else NONE,
            share(row.optimistic.majority_accuracy) if row.optimistic else NONE,
            interval(row.honest.accuracy) if row.honest else NONE,
            interval(row.honest.macro_f1) if row.honest else NONE,
            share(row.honest.majority_accuracy) if row.honest else NONE,
        )
        for row in rows
    ]
    return pd.DataFrame(lines, columns=list(HEADER))


def picked_on_test(runs: Iterable[Run]) -> float | None:
    """Points of accuracy that the pick of the epoch on test adds to the last epoch, a mean over runs."""
    gains = []
    for run in runs:
        history = read_history(run.folder)
        if run.config["protocol"] == SLIDES and run.predictions is not None and history:
            accuracies = [epoch["valid/accuracy"] for epoch in history]
            gains.append(100 * (accuracies[run.result["best_epoch"] - 1] - accuracies[-1]))
    return float(np.mean(gains)) if gains else None


def _same_folds(runs: Sequence[Run]) -> list[Run]:
    tested: dict[str, set[int]] = {}
    for run in runs:
        if "selected_on" in run.config:
            tested.setdefault(run.config["protocol"], set()).add(run.config["fold"])
    return [run for run in runs if run.config["fold"] in tested.get(run.config["protocol"], {run.config["fold"]})]


def _caption(scores: Sequence[ModelScore]) -> str:
    tested = {
        f"{len(score.labels)} moods, {'slides' if score.protocol == SLIDES else score.protocol} split: "
        f"{len(score.targets)} songs by {len(set(score.artists))} artists": None
        for score in scores
    }
    commits = sorted({commit for score in scores for commit in score.commits})
    return (
        f"Baselines on {corpus_name(scores[0])}. Tested on: {'; '.join(tested)}. "
        "Slides' protocol: random split, best epoch picked on the test songs, so its numbers are optimistic; honest: "
        "no artist on both sides, best epoch picked on validation songs. Accuracy with Wilson interval over songs, "
        "macro-F1 with percentile interval over artists; seeds are averaged and held fixed. Majority: accuracy of "
        f"always answering the most frequent mood of the same test songs. Commit {', '.join(commits)}. "
        f"Corpus: {scores[0].corpus['citation']}"
    )


def _csv(rows: Sequence[Row], table: pd.DataFrame) -> str:
    slides = table["model"].map(SLIDES_ACCURACY)
    for column in ("estimate", "low", "high"):
        values = [getattr(value, column) if isinstance(value, Interval) else None for value in slides]
        table[f"slides_accuracy_{column}"] = values
    table["slides_majority"] = table["model"].map(SLIDES_MAJORITY)
    return table.to_csv(index=False)


def _markdown(rows: Sequence[Row], table: pd.DataFrame, runs: Sequence[Run], left_out: Mapping[str, str]) -> list[str]:
    scores = [score for row in rows for score in row.scores]
    lines = [f"# Baselines on {corpus_name(scores[0])}", "", _caption(scores), ""]
    lines += markdown_table(list(table.columns), table.to_numpy().tolist())
    lines += ["", "## How much the slides' protocol flatters", "", *_flattery(rows, runs)]
    lines += ["", "## Notes", ""]
    lines += [f"- {score.name} ({score.protocol}): {'; '.join(score.notes)}" for score in scores]
    lines += [f"- {sentence}" for sentence in dict.fromkeys(_task_sentence(run) for run in _networks(runs))]
    lines += [f"- **{name} left out**: {reason}" for name, reason in left_out.items()]
    for row in rows:
        if row.name.startswith(SLIDES):
            lines += ["", f"## Cross-table of {row.name}: rows true, columns predicted", "", *_cross_tables(row)]
    return [*lines, "", "## Cost", "", *_cost(runs)]


def _flattery(rows: Sequence[Row], runs: Sequence[Run]) -> list[str]:
    lines = []
    for row in rows:
        if row.flattery is not None:
            lines.append(
                f"- {row.name}: {points('accuracy', row.flattery)} (two sets of test songs, 95 % by Newcombe's method)"
            )
        if (gain := picked_on_test(run for run in runs if run.config["name"] == row.name)) is not None:
            lines.append(f"- {row.name}: of these, picking the epoch on test adds {gain:+.1f} points to the last epoch")
    return lines or ["Nothing to compare: no network was trained under both protocols."]


def _networks(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if "selected_on" in run.config]


def _task_sentence(run: Run) -> str:
    config = run.config
    counted = ", ".join(f"{mood} {count}" for mood, count in config["songs_by_mood"].items())
    model = next(model for model in (MODEL_1, MODEL_2) if config["name"].startswith(model.name))
    sampled = f"; the slides sampled {model.per_class:,} a mood" if model.per_class else ""
    frozen = ", what was loaded frozen" if config["model"]["frozen"] else ""
    drawn = ", drawn in the proportions of the slides' training songs" if config.get("mix") == "slides" else ""
    return f"{config['name']}: starts from {config['initialised_from']}{frozen}; songs: {counted}{drawn}{sampled}"


def _cross_tables(row: Row) -> list[str]:
    """The slides' table (of Model 1 alone), ours by their protocol and the honest one, side by side."""
    moods = [mood for mood in LABELS if mood in row.scores[0].labels]
    tables = {"slides": np.array(CROSS_TABLE)} if row.name == MODEL_1.name else {}
    for title, score in (("slides' protocol", row.optimistic), ("honest", row.honest)):
        if score is not None:
            order = [score.labels.index(mood) for mood in moods]
            seeds = f", {len(score.seeds)} seeds" if len(score.seeds) > 1 else ""
            tables[title + seeds] = score.confusion[np.ix_(order, order)]
    header = ["", *(f"{title}: {mood}" for title in tables for mood in moods)]
    body = np.concatenate(list(tables.values()), axis=1).tolist()
    return markdown_table(header, [[f"true {mood}", *counts] for mood, counts in zip(moods, body, strict=True)])


def _cost(runs: Sequence[Run]) -> list[str]:
    header = ["model", "protocol", "runs", "epochs", "time of all, s", "parameters", "of them learning", "memory, GB"]
    groups: dict[tuple[str, str], list[dict]] = {}
    for run in runs:
        if run.result:
            groups.setdefault((run.config["name"], run.config["protocol"]), []).append(run.result)
    rows = []
    for (name, protocol), results in groups.items():
        first = results[0]
        seconds = sum(result["train_s"] for result in results)
        memory = [result["peak_memory_gb"] for result in results if "peak_memory_gb" in result]
        counts = [f"{first[key]:,}" if key in first else NONE for key in ("parameters", "trained_parameters")]
        epochs = first.get("epochs", NONE)
        rows.append([name, protocol, len(results), epochs, f"{seconds:.0f}", *counts, max(memory, default=NONE)])
    return markdown_table(header, rows)


def _panels(rows: Sequence[Row], runs: Sequence[Run]) -> dict[str, Panel]:
    panels = {}
    for row in rows:
        curves = [
            Curve(
                "slides' protocol, on test" if run.config["protocol"] == SLIDES else "honest, on validation",
                [epoch["valid/accuracy"] for epoch in read_history(run.folder)],
                run.result["best_epoch"],
            )
            for run in _networks(runs)
            if run.config["name"] == row.name and run.predictions is not None
        ]
        if curves:
            levels = {"majority of the test songs": row.scores[-1].majority_accuracy}
            if row.name in SLIDES_ACCURACY:
                levels["the slides' test accuracy"] = SLIDES_ACCURACY[row.name].estimate
            panels[f"{row.name} on {corpus_name(row.scores[0])}"] = Panel(curves, levels)
    return panels
