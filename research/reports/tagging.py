"""The report of runs that learned tags: areas, F1 at one half and at tuned thresholds, tag by tag, and moods.

Folds are pooled: songs tested by different folds are ranked together, which can only hurt a model whose folds are
scaled differently. With four songs of a tag per fold, areas within folds would be mostly noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from research.atomic import write_text
from research.evaluation.statistics import (
    Interval,
    artist_bootstrap,
    artist_confusions,
    paired_difference,
)
from research.evaluation.tagging import N_RESAMPLES, Metric, centred_interval, macro_draws
from research.metrics.moods import confusion_macro_f1
from research.metrics.tags import chance_pr_auc, macro, pr_auc, roc_auc, tag_f1
from research.reports.answers import Answers, read_answers
from research.reports.figures.style import save_figure
from research.reports.figures.tags import tag_curves
from research.reports.formats import MINUS, NONE, interval, latex_table, markdown_table, points, share
from research.reports.predictions import find_runs

FIGURE = "tag_curves"
METRICS = ("PR-AUC", "ROC-AUC", "F1 at one half", "F1, tuned thresholds")


@dataclass(frozen=True, eq=False)
class TagScore:
    """One model on the tags of its test songs; means over seeds."""

    answers: Answers
    by_tag: Float[np.ndarray, "metrics tags"]
    """In the order of `METRICS`; NaN where a tag has no test song."""
    songs_by_tag: Float[np.ndarray, " tags"]
    chance: Float[np.ndarray, " tags"]
    """PR-AUC of songs in random order."""
    draws: Float[np.ndarray, "metrics resamples"]
    """Macro averages under drawn artists."""

    @property
    def intervals(self) -> list[Interval]:
        estimates = macro(self.by_tag)
        return [centred_interval(*pair) for pair in zip(estimates.tolist(), self.draws, strict=True)]


def write_tagging_report(runs: Path, out: Path, reference: str) -> str:
    """Score the runs in a folder and write `tagging.md`, `.tex`, `tags.csv` and a figure; returns the Markdown.

    Args:
        reference: name of the model that the others are compared with on tags; it stands first, tag by tag.

    Raises:
        ValueError: nothing is finished, or the runs do not belong together.
    """
    found = sorted(read_answers(find_runs(runs)), key=lambda answers: answers.name != reference)
    scores = [score_tags(answers) for answers in found if answers.tags]
    moods = {answers.name: mood_score(answers) for answers in found if answers.moods}
    table = _table(found, {score.answers.name: score for score in scores}, moods)
    text = "\n".join(_markdown(table, found, scores, reference)) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "tagging.md", text)
    write_text(out / "tags.csv", tag_table(scores).to_csv(index=False))
    if scores:
        save_figure(
            tag_curves(scores[0].answers.tags, *tagged_songs(scores[0].answers), scores[0].by_tag[0]), out, FIGURE
        )
    write_text(out / "tagging.tex", latex_table(table, _caption(found, scores), f"tab:{out.name}"))
    return text


def score_tags(answers: Answers) -> TagScore:
    """Areas and F1 of each tag, on the songs that somebody has tagged."""
    truth, logits = tagged_songs(answers)
    tagged = _is_tagged(answers)
    given = answers.given[:, tagged]
    artists = np.array(answers.artists)[tagged]
    metrics: list[Metric] = [
        lambda weights: np.mean([pr_auc(truth, seed, weights) for seed in logits], axis=0),
        lambda weights: np.mean([roc_auc(truth, seed, weights) for seed in logits], axis=0),
        lambda weights: np.mean([tag_f1(truth, seed > 0, weights) for seed in logits], axis=0),
        lambda weights: np.mean([tag_f1(truth, seed, weights) for seed in given], axis=0),
    ]
    return TagScore(
        answers=answers,
        by_tag=np.concatenate([metric(None) for metric in metrics]),
        songs_by_tag=truth.sum(axis=0),
        chance=chance_pr_auc(truth)[0],
        draws=macro_draws(metrics, artists.tolist()),
    )


def tagged_songs(
    answers: Answers,
) -> tuple[Float[np.ndarray, "songs tags"], Float[np.ndarray, "seeds songs tags"]]:
    """Truth and logits of the tags, on the songs that somebody has tagged."""
    tagged, n_moods = _is_tagged(answers), len(answers.moods)
    return answers.truth[tagged, n_moods:], answers.logits[:, tagged, n_moods:].astype(float)


def mood_score(answers: Answers) -> Interval:
    """Macro-F1 of the moods, on the songs that have one."""
    moods, guesses, artists = _moods(answers)
    confusions = artist_confusions(moods, guesses, artists, len(answers.moods))
    return artist_bootstrap(confusions, confusion_macro_f1)


def tag_table(scores: Sequence[TagScore]) -> pd.DataFrame:
    """One row a model and tag, numbers unrounded."""
    rows = []
    for score in scores:
        columns = (score.answers.tags, score.songs_by_tag, score.chance, *score.by_tag)
        rows += [(score.answers.name, *cells) for cells in zip(*columns, strict=True)]
    return pd.DataFrame(rows, columns=["model", "tag", "songs", "chance PR-AUC", *METRICS])


def difference_sentences(found: Sequence[Answers], scores: Sequence[TagScore], reference: str) -> list[str]:
    """Each model against the reference on tags, tuned against untuned thresholds, moods with and without tags.

    Raises:
        ValueError: models tested on different songs.
    """
    first = next((score for score in scores if score.answers.name == reference), None)
    lines = []
    for score in scores:
        if first is None or score is first:
            continue
        _check_same_songs(score.answers, first.answers, label=-1)
        gains = macro(score.by_tag) - macro(first.by_tag)
        told = [
            points(METRICS[metric], centred_interval(gains[metric].item(), score.draws[metric] - first.draws[metric]))
            for metric in range(len(METRICS))
        ]
        lines.append(f"{score.answers.name} {MINUS} {reference}: {', '.join(told)}")
    for score in scores:
        _, _, half, tuned = macro(score.by_tag).tolist()
        gain = centred_interval(tuned - half, score.draws[3] - score.draws[2])
        times = f"{tuned / half:.1f} times as much" if half else "from zero"
        lines.append(f"{score.answers.name}, tuned thresholds instead of one half: {points('macro-F1', gain)}, {times}")
    by_name = {answers.name: answers for answers in found if answers.moods}
    alone = next((answers for answers in by_name.values() if not answers.tags), None)
    for answers in by_name.values():
        if alone is None or answers is alone:
            continue
        _check_same_songs(answers, alone, label=0)
        moods, guesses, artists = _moods(answers)
        gain = paired_difference(moods, guesses, _moods(alone)[1], artists, confusion_macro_f1)
        lines.append(f"{answers.name} {MINUS} {alone.name}: {points('macro-F1 of the moods', gain)}")
    return lines


def _is_tagged(answers: Answers) -> Bool[np.ndarray, " songs"]:
    return ~np.isnan(answers.truth[:, len(answers.moods) :]).any(axis=1)


def _moods(answers: Answers) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """True moods, answers a seed, and artists of the songs with a known mood."""
    n_moods = len(answers.moods)
    known = ~np.isnan(answers.truth[:, 0])
    truth = answers.truth[known, :n_moods].argmax(axis=1)
    return truth, answers.logits[:, known, :n_moods].argmax(axis=2), np.array(answers.artists)[known].tolist()


def _check_same_songs(a: Answers, b: Answers, label: int) -> None:
    """Refuse two models that were not tested on the same songs.

    Args:
        label: one of those compared, by which songs are told of which it is known.
    """
    of_a, of_b = ({*np.array(answers.track_ids)[~np.isnan(answers.truth[:, label])]} for answers in (a, b))
    if of_a != of_b:
        raise ValueError(
            f"{a.name} was tested on {len(of_a)} songs, {b.name} on {len(of_b)}, {len(of_a ^ of_b)} of them not in "
            "both; run the missing folds or leave one of the two out"
        )


def _table(found: Sequence[Answers], scores: dict[str, TagScore], moods: dict[str, Interval]) -> pd.DataFrame:
    rows = []
    for answers in found:
        tags = [interval(value) for value in scores[answers.name].intervals] if answers.tags else [NONE] * len(METRICS)
        mood = interval(moods[answers.name]) if answers.moods else NONE
        rows.append((answers.name, str(len(answers.logits)), *tags, mood))
    return pd.DataFrame(rows, columns=["model", "seeds", *METRICS, "macro-F1 of the moods"])


def _caption(found: Sequence[Answers], scores: Sequence[TagScore]) -> str:
    config = found[0].config
    corpus = config["corpus"]["name"] + (" (SYNTHETIC corpus)" if config["corpus"]["synthetic"] else "")
    songs = len(found[0].track_ids)
    commits = sorted({answers.config["commit"] or "none recorded" for answers in found})
    tags = ""
    if scores:
        chance = share(float(np.nanmean(scores[0].chance)))
        tags = (
            f"Tags: {len(scores[0].answers.tags)}, macro averages over those with a test song; PR-AUC of songs in "
            f"random order {chance}, ROC-AUC .500. Thresholds from each run's validation songs. "
        )
    return (
        f"Corpus {corpus}, protocol {config['protocol']}: {songs} songs by {len(set(found[0].artists))} artists, folds "
        f"pooled. {tags}Means over seeds, which the intervals hold fixed: 95 % percentile intervals over artists "
        f"({N_RESAMPLES:,} resamples for tags). Commit {', '.join(commits)}. Corpus: {config['corpus']['citation']}"
    )


def _markdown(table: pd.DataFrame, found: Sequence[Answers], scores: Sequence[TagScore], reference: str) -> list[str]:
    lines = ["# Tags and moods", "", _caption(found, scores), ""]
    lines += markdown_table(list(table.columns), table.to_numpy().tolist())
    lines += ["", "## Differences", ""]
    lines += [f"- {sentence}" for sentence in difference_sentences(found, scores, reference)]
    lines += ["", "The intervals are not widened for being several.", "", "## Notes", ""]
    lines += [f"- {answers.name}: {'; '.join(answers.notes)}" for answers in found if answers.notes]
    for score in scores[:1]:
        best = tag_table([score]).sort_values("PR-AUC", ascending=False)
        lines += ["", f"## Tag by tag: {score.answers.name}", "", f"![{FIGURE}]({FIGURE}.png)", ""]
        rows = [[row[1], int(row[2]), *map(share, row[3:])] for row in best.itertuples(index=False)]
        lines += markdown_table(["tag", "songs", "chance PR-AUC", *METRICS], rows)
    return lines
