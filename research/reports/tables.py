"""Scores as the tables of a paper: Markdown to read, CSV to compute with, LaTeX (booktabs) to print."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from research.evaluation.statistics import N_RESAMPLES, Interval
from research.reports.scores import Difference, ModelScore

HEADER = ("model", "protocol", "songs", "seeds", "accuracy [95 %]", "macro-F1 [95 %]", "balanced", "majority")
LATEX_ESCAPES = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)


def comparison_table(scores: Sequence[ModelScore]) -> pd.DataFrame:
    """One row per model and protocol, numbers unrounded; the corpus is in every row, and said to be synthetic if so."""
    return pd.DataFrame(
        [
            {
                "model": score.name,
                "protocol": score.protocol,
                "corpus": corpus_name(score),
                "songs": len(score.targets),
                "artists": len(set(score.artists)),
                "folds": score.n_folds,
                "seeds": len(score.seeds),
                **_columns("accuracy", score.accuracy),
                **_columns("macro_f1", score.macro_f1),
                "balanced_accuracy": score.balanced_accuracy,
                "majority_accuracy": score.majority_accuracy,
                "parameters": score.parameters,
                "train_s": score.train_s,
                "commit": " ".join(score.commits),
                "notes": "; ".join(score.notes),
            }
            for score in scores
        ]
    )


def display_table(scores: Sequence[ModelScore]) -> pd.DataFrame:
    """The same, as printed: shares with three decimals, intervals in brackets."""
    rows = [
        (
            score.name,
            score.protocol,
            str(len(score.targets)),
            str(len(score.seeds)),
            interval(score.accuracy),
            interval(score.macro_f1),
            share(score.balanced_accuracy),
            share(score.majority_accuracy),
        )
        for score in scores
    ]
    return pd.DataFrame(rows, columns=list(HEADER))


def difference_sentence(difference: Difference) -> str:
    """A difference in words, in points (hundredths)."""
    pair = f"{difference.model} \N{MINUS SIGN} {difference.reference} ({difference.protocol})"
    accuracy, macro_f1 = points("accuracy", difference.accuracy), points("macro-F1", difference.macro_f1)
    sentence = f"{pair}: {accuracy}, {macro_f1}, 95 % by artist bootstrap"
    if difference.accuracy.low <= 0 <= difference.accuracy.high:
        return f"{sentence}; in accuracy not distinguishable from zero"
    return sentence


def caption(scores: Sequence[ModelScore]) -> str:
    """Everything a reader needs to judge the table: corpus, protocol, seeds, commit, and how intervals were made."""
    first = scores[0]
    protocols = {score.protocol: score for score in scores}
    tested = [
        f"protocol {name}: {len(score.targets)} songs by {len(set(score.artists))} artists, {score.n_folds} fold(s)"
        for name, score in protocols.items()
    ]
    seeds = sorted({seed for score in scores for seed in score.seeds})
    commits = sorted({commit for score in scores for commit in score.commits})
    return (
        f"Corpus {corpus_name(first)}, {len(first.labels)} moods; {'; '.join(tested)}; "
        f"seed(s) {', '.join(map(str, seeds))}; commit {', '.join(commits)}. "
        "Means over seeds, which the intervals hold fixed. Accuracy with Wilson interval over songs, "
        f"macro-F1 with percentile interval over artists ({N_RESAMPLES:,} resamples). "
        f"Majority: accuracy of always answering the most frequent mood. Corpus: {first.corpus['citation']}"
    )


def write_report(scores: Sequence[ModelScore], differences: Sequence[Difference], folder: Path) -> None:
    """Write `comparison.md`, `.csv` and `.tex` into a folder, each in one atomic step."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "comparison.md", _markdown(scores, differences))
    write_text(folder / "comparison.csv", comparison_table(scores).to_csv(index=False))
    write_text(folder / "comparison.tex", latex_table(display_table(scores), caption(scores), f"tab:{folder.name}"))


def corpus_name(score: ModelScore) -> str:
    return score.corpus["name"] + (" (SYNTHETIC corpus)" if score.corpus["synthetic"] else "")


def share(value: float) -> str:
    """Three decimals without the leading zero, as papers print them: .457."""
    return f"{value:.3f}".removeprefix("0")


def interval(value: Interval) -> str:
    return f"{share(value.estimate)} [{share(value.low)}, {share(value.high)}]"


def points(metric: str, value: Interval) -> str:
    return f"{100 * value.estimate:+.1f} points {metric} [{100 * value.low:+.1f}, {100 * value.high:+.1f}]"


def _columns(name: str, value: Interval) -> dict[str, float]:
    return {name: value.estimate, f"{name}_low": value.low, f"{name}_high": value.high}


def _markdown(scores: Sequence[ModelScore], differences: Sequence[Difference]) -> str:
    table = display_table(scores)
    lines = [f"# Models compared on {corpus_name(scores[0])}", "", caption(scores), ""]
    lines += markdown_table(list(table.columns), table.to_numpy().tolist())
    lines += ["", "## Differences", ""]
    lines += [f"- {difference_sentence(difference)}" for difference in differences]
    if len(differences) > 1:
        lines += ["", "The intervals are not widened for being several."]
    if not differences:
        lines += ["None: there is no second model to compare with a reference (see `--reference`)."]
    lines += ["", "## Notes", ""]
    lines += [f"- {score.name} ({score.protocol}): {'; '.join(score.notes)}" for score in scores]
    for score in scores:
        lines += ["", f"## Confusion of {score.name} ({score.protocol}), summed over {len(score.seeds)} seed(s)", ""]
        rows = [[f"true {label}", *counts] for label, counts in zip(score.labels, score.confusion, strict=True)]
        lines += markdown_table(["", *(f"predicted {label}" for label in score.labels)], rows)
    return "\n".join(lines) + "\n"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table; a bar in a cell is escaped."""
    body = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *body)]


def latex_table(table: pd.DataFrame, caption: str, label: str) -> str:
    """A table of words in booktabs; the first two columns are set left, numbers right."""
    header, *rows = (_latex_row(cells) for cells in (table.columns, *table.to_numpy()))
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption.translate(LATEX_ESCAPES)}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{ll{'r' * (len(table.columns) - 2)}}}",
        r"\toprule",
        header,
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cell.translate(LATEX_ESCAPES) for cell in cells) + r" \\"


def write_text(path: Path, text: str) -> None:
    """Write a file in one atomic step."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
