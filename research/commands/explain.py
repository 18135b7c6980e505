"""`mood explain`: what drove the answer for a song, as a page and as text."""

import json
import sys
from argparse import Namespace
from dataclasses import asdict

from tqdm import tqdm

from research.commands.predict import read_words, words_beside
from research.explain import Explainer, Explanation
from research.explain.explainer import SOUND_STEPS, WORD_STEPS
from research.explain.figure import check_picture, save_explanation
from research.inference import load_predictor

STRONGEST = 8
"""Number of words named for and against."""


def run(options: Namespace) -> int:
    """Exit status: 0 explained, 1 the song cannot be explained, 2 no model, no such label, nowhere to draw."""
    try:
        check_picture(options.out)
        lyrics = read_words(options.lyrics) if options.lyrics else None
        predictor = load_predictor(options.run)
    except (FileNotFoundError, ValueError) as error:
        print(f"mood: {error}", file=sys.stderr)
        return 2
    known = dict.fromkeys((*predictor.labels, *predictor.tags))
    if options.label is not None and options.label not in known:
        print(f"mood: {options.run} knows no {options.label!r}; it knows {', '.join(known)}", file=sys.stderr)
        return 2
    print(f"model {options.run}, trained on {predictor.trained_on}", file=sys.stderr)
    try:
        if lyrics is None and (file := words_beside(options.song)):
            lyrics = read_words(file)
        answer = predictor.predict(options.song, lyrics)
        likely = answer.probabilities or answer.tags
        label = options.label or max(likely, key=likely.__getitem__)
        explainer = Explainer(predictor)
        material = explainer.prepare(options.song, lyrics)
        steps = SOUND_STEPS * (material.sound is not None) + WORD_STEPS * (material.text is not None)
        with tqdm(total=steps, desc="explaining", unit="step", disable=None) as bar:  # none in a log file
            found = explainer.explain(material, label, advance=bar.update)
        save_explanation(found, likely if label in likely else answer.tags, options.song.name, options.out)
    except (OSError, ValueError) as error:
        print(f"mood: {options.song}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(_numbers(found)) if options.json else _told(found, str(options.out)))
    return 0


def _numbers(found: Explanation) -> dict:
    return {
        "label": found.label,
        "log_odds": found.log_odds,
        "audio": None if found.sound is None else float(found.sound.sum()),
        "unplaced": found.unplaced,
        "words": [asdict(word) for word in found.words],
    }


def _told(found: Explanation, picture: str) -> str:
    lines = [f"{found.label}: log-odds {found.log_odds:+.2f}"]
    if found.sound is not None:
        placed = {"what the spectrogram shows": float(found.sound.sum()), **found.unplaced}
        lines.append("audio adds " + ", ".join(f"{value:+.2f} ({name})" for name, value in placed.items()))
    if found.words:
        lines.append(f"lyrics add {sum(word.weight for word in found.words):+.2f}")
        ordered = sorted(found.words, key=lambda word: -word.weight)
        for side, some in (("for", ordered[:STRONGEST]), ("against", ordered[::-1][:STRONGEST])):
            right = [word for word in some if (word.weight > 0) == (side == "for")]
            lines.append(f"  {side}: " + ", ".join(f"{word.text} {word.weight:+.2f}" for word in right))
    return "\n".join([*lines, f"written: {picture}"])
