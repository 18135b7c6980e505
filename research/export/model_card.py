"""The model card of an exported folder: training data, performance, intended use and limits.

Source: Mitchell et al. 2019, "Model cards for model reporting"; the header is that of the Hugging Face hub.
"""

import numpy as np
import pandas as pd

from research.evaluation.statistics import artist_bootstrap, artist_confusions, wilson_interval
from research.inference import MoodPredictor
from research.metrics.moods import confusion_accuracy, confusion_macro_f1, majority_accuracy
from research.metrics.scoring import answered_moods, mood_known
from research.models.frozen import STATISTICS
from research.models.published import PUBLISHED
from research.reports.marks import label_sentences
from research.runs import RunFolder, score_songs
from research.splits.folds import ALL

LOOK_UP = "the licence is to be looked up at its home, where it was published"


def model_card(predictor: MoodPredictor, onnx_difference: float | None) -> str:
    """Markdown of the card.

    Args:
        onnx_difference: largest difference of logits from torch that was measured; None: no ONNX.
    """
    config, corpus = predictor.run.config, predictor.run.config["corpus"]
    sides = [name for name, side in (("audio", predictor.config.audio), ("lyrics", predictor.config.lyrics)) if side]
    lines = [
        *("---", "library_name: music-mood-fusion", "pipeline_tag: audio-classification"),
        *("tags: [music, mood, lyrics, audio]", "---", ""),
        f"# Mood of songs from {' and '.join(sides)}, trained on {corpus['name']}",
        "",
    ]
    if predictor.synthetic:
        lines += ["**Trained on invented songs: it shows that the software works and says nothing about music.**", ""]
    lines += [
        "## What it answers",
        "",
        *([f"One of the moods {', '.join(predictor.labels)}, with probabilities."] if predictor.labels else []),
        *([f"Any of {len(predictor.tags)} tags: {', '.join(predictor.tags)}."] if predictor.tags else []),
        *_calibration(predictor),
        "",
        "## Data and licence",
        "",
        f"Corpus `{corpus['name']}`, {corpus['songs']} songs (fingerprint `{corpus['fingerprint']}`), "
        f"{_learned_from(predictor.run)}, seed {config['seed']}. Cited as: {corpus['citation']}",
        "",
        f"The corpus' licence: {corpus['licence']}. It may also apply to these weights; the software is MIT.",
        *_encoders(predictor),
        "",
        "## Numbers",
        "",
        _tested_on(predictor.run),
        *label_sentences([config]),
        "",
        *_numbers(predictor),
        "",
        "## Intended use",
        "",
        "Research on music and mood; sorting one's own collection. Not for judging people, and no statement about "
        "how a listener feels: labels are what editors, listeners or taggers said of a song.",
        "",
        "## Limits",
        "",
        "- Songs unlike the corpus (genre, recording, language of the lyrics) are predicted less well than the numbers",
        "  suggest; the predictor reports the language of the lyrics and the audio's distance from the training songs.",
        "- The intervals are over songs and artists; training with another seed changes the numbers too.",
        "- One mood per song is a simplification; the probabilities over time say more.",
        "",
        "## Use",
        "",
        "```bash",
        "mood predict song.mp3 --run FOLDER",
        "```",
    ]
    if onnx_difference is not None:
        lines += [
            "",
            "`model.onnx` is the whole model; its logits differ from PyTorch's by at most "
            f"{onnx_difference:.1e} (random songs, with either side missing).",
        ]
    return "\n".join(lines) + "\n"


def _learned_from(run: RunFolder) -> str:
    if _of_all_songs(run):
        return "of which it learned from all that have a mood"
    return f"fold {run.config['fold']} of {run.config['n_folds']}, protocol `{run.config['protocol']}`"


def _of_all_songs(run: RunFolder) -> bool:
    return run.config["protocol"] == ALL


def _tested_on(run: RunFolder) -> str:
    if _of_all_songs(run):
        return (
            f"Of {run.config['n_folds']}-fold cross-validation: models of the same recipe answered for songs by "
            "artists that they had not learned from. This model was not tested itself; it learned from more songs than "
            "they did. 95 % intervals:"
        )
    if _picked_on_test(run):
        return (
            "**Optimistic: the epoch was picked on the very songs that are scored here**, the run's test songs, which "
            "it did not learn from. 95 % intervals:"
        )
    return "On the run's own test songs, which it never saw, 95 % intervals:"


def _picked_on_test(run: RunFolder) -> bool:
    return run.config.get("selected_on") == "test"


def _calibration(predictor: MoodPredictor) -> list[str]:
    found = predictor.calibrated
    if not found.songs:
        why = "the epoch was picked on the test songs" if _picked_on_test(predictor.run) else "the run kept none"
        return [f"Probabilities are not calibrated, for lack of validation songs: {why}."]
    below = f"below a confidence of {found.least_confidence:.2f} it says that no mood fits"
    never = "even its least confident answers there beat the most frequent mood, so no confidence is too low"
    which = "songs of the cross-validation" if _of_all_songs(predictor.run) else "validation songs"
    return [
        f"Probabilities are scaled by the temperature {found.temperature:.2f}, fitted on {found.songs} {which}; "
        f"{below if found.least_confidence else never}."
    ]


def _encoders(predictor: MoodPredictor) -> list[str]:
    lines = []
    audio, lyrics = predictor.config.audio, predictor.run.config["model"]["lyrics"]
    for name in audio.frozen if audio else ():
        if name in PUBLISHED:
            known = PUBLISHED[name]
            lines.append(f"Audio encoder: `{name}`, frozen; trained on {known.trained_on}, licence {known.licence}.")
        elif name == STATISTICS:
            lines.append(f"Audio encoder: `{name}`, hand-crafted features of this software, without weights.")
        else:
            lines.append(f"Audio encoder: `{name}`, frozen; {LOOK_UP}.")
    if audio and not audio.frozen:
        start = f"from the weights `{audio.weights}`; {LOOK_UP}" if audio.weights else "from random weights"
        lines.append(f"Audio encoder: `{audio.network}`, trained on this corpus, {start}.")
    if lyrics is not None:
        how = "frozen" if predictor.config.lyrics.frozen else "fine-tuned"
        lines.append(f"Lyrics encoder: `{lyrics['model']}`, {how}; its own licence applies to `lyrics/`.")
    return ["", *lines] if lines else []


def _numbers(predictor: MoodPredictor) -> list[str]:
    frame = pd.read_parquet(predictor.run.path / "predictions.parquet")
    test = frame[frame["split"] == ("valid" if _of_all_songs(predictor.run) else "test")]
    n_tags, lines = len(predictor.tags), []
    if predictor.labels:
        targets, logits = (np.stack(test[column].to_list()) for column in ("target", "logits"))
        known = mood_known(targets)
        moods, guesses = answered_moods(targets, logits, n_tags)
        by_artist = artist_confusions(moods, guesses, test["artist"][known].to_list(), len(predictor.labels))
        accuracy = wilson_interval(float(confusion_accuracy(by_artist.sum(axis=(0, 1)))) * len(moods), len(moods))
        macro_f1 = artist_bootstrap(by_artist, confusion_macro_f1)
        lines += ["| songs | accuracy | macro-F1 | always the most frequent mood |", "|---|---|---|---|"]
        shown = [f"{one.estimate:.3f} [{one.low:.3f}, {one.high:.3f}]" for one in (accuracy, macro_f1)]
        lines.append(f"| {len(moods)} | {shown[0]} | {shown[1]} | {majority_accuracy(moods):.3f} |")
    if n_tags:
        scores = score_songs(test, n_tags)
        lines += ["", f"Tags, macro averages: PR-AUC {scores['pr_auc']:.3f}, ROC-AUC {scores['roc_auc']:.3f}."]
    return lines
