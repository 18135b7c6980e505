"""The comparison in short: one table of scores, the differences, their caveats, the confusion matrices."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from research.atomic import write_text
from research.reports.comparisons import Comparison, not_compared, reference_sentences
from research.reports.document import Block, Bullets, Heading, Table, to_markdown
from research.reports.formats import latex_table
from research.reports.published import PublishedScore, published_scores
from research.reports.scores import ModelScore
from research.reports.tables import (
    best_cells,
    caption,
    comparison_table,
    corpus_name,
    difference_rows,
    difference_sentence,
    differences_table,
    display_table,
    scope,
)


def write_comparison(
    scores: Sequence[ModelScore], comparisons: Sequence[Comparison], unscored: Sequence[str], folder: Path
) -> None:
    """Write `comparison.md`, `.csv`, `.tex` and `differences.csv` into a folder, each in one atomic step.

    Args:
        unscored: a sentence on each model without a score.
    """
    folder.mkdir(parents=True, exist_ok=True)
    main = score_block(scores, comparisons, f"tab:{folder.name}")
    blocks = [
        main,
        Heading("Differences"),
        *difference_blocks(scores, comparisons, unscored),
        Heading("Notes"),
        notes_block(scores, unscored),
        *confusion_blocks(scores),
    ]
    write_text(folder / "comparison.md", to_markdown(f"Models compared on {corpus_name(scores[0])}", blocks))
    write_text(folder / "comparison.csv", comparison_table(scores).to_csv(index=False))
    write_text(folder / "comparison.tex", latex_table(main.frame, main.caption, main.label, main.bold))
    write_text(folder / "differences.csv", differences_table(comparisons).to_csv(index=False))


def score_block(scores: Sequence[ModelScore], comparisons: Sequence[Comparison], label: str) -> Table:
    """The main table: ours, the best in bold, above published numbers."""
    published = published_scores(scores[0].corpus["name"])
    frame = display_table(scores, comparisons, published)
    text = f"{caption(scores, comparisons)} {_sources(published)}".strip()
    return Table(frame, text, label, best_cells(scores, frame))


def difference_blocks(
    scores: Sequence[ModelScore], comparisons: Sequence[Comparison], unscored: Sequence[str]
) -> list[Block]:
    """A sentence a comparison and the table of their tests."""
    missing = not_compared(scores, comparisons)
    if not comparisons:
        return [Bullets(["None: there is no second model with the same test songs.", *missing, *unscored])]
    explained = (
        "Differences in points with 95 % interval (artists drawn with replacement, for both models the same). "
        "p: an artist's answers swapped between the two models; in brackets Holm-adjusted for all differences of the "
        "table in this metric. McNemar: exact, of accuracy over songs, taken as independent. "
        "Over folds: corrected resampled t-test of accuracy, which counts the noise of training."
    )
    sentences = [difference_sentence(found, len(comparisons)) for found in comparisons]
    bullets = Bullets([*sentences, *reference_sentences(comparisons), *missing])
    text = f"{explained} {scope([found.model for found in comparisons])}"
    return [bullets, Table(difference_rows(comparisons), text, "tab:differences")]


def notes_block(scores: Sequence[ModelScore], unscored: Sequence[str]) -> Bullets:
    return Bullets([*(f"{score.name} ({score.protocol}): {'; '.join(score.notes)}" for score in scores), *unscored])


def confusion_blocks(scores: Sequence[ModelScore]) -> list[Block]:
    blocks: list[Block] = []
    for score in scores:
        rows = [
            [f"true {label}", *map(str, counts)] for label, counts in zip(score.labels, score.confusion, strict=True)
        ]
        frame = pd.DataFrame(rows, columns=["", *(f"predicted {label}" for label in score.labels)])
        title = f"Confusion of {score.name} ({score.protocol})"
        text = f"Songs, summed over {len(score.seeds)} seed(s)."
        blocks += [Heading(title), Table(frame, text, f"tab:confusion-{score.name}-{score.protocol}")]
    return blocks


def _sources(published: Sequence[PublishedScore]) -> str:
    if not published:
        return ""
    sources = ". ".join(
        dict.fromkeys(f"{score.model.split(' (')[0]}: {score.protocol}; {score.source}" for score in published)
    )
    return f"Rows of others are on other songs or splits and not comparable. {sources}."
