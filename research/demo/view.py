"""An answer as HTML and SVG: cards, bars, mood over time, place in Russell's plane. Pure: text in, text out."""

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import Float32
from matplotlib import colormaps
from PIL import Image

from research.demo.lookup import FoundSong
from research.inference import MoodPrediction
from research.moods import COLOURS, QUADRANTS

LANGUAGES = {"en": "English", "fr": "French", "de": "German", "es": "Spanish", "it": "Italian", "pt": "Portuguese"}
LEARNED_LANGUAGE = "en"
"""Of the corpora with words that this project prepares, and of its default encoders."""
WIDTH, HEIGHT = 900, 140
"""Of the drawings in their own units; they scale with the page."""
TOP_CARDS = 2
TICKS_S = (5, 10, 15, 30, 60, 120, 300)
MOST_TICKS = 8
"""On a phone their labels still stand apart."""
LAST_TICK = 0.9
"""Share of the song; later labels would be cut off on a phone."""
APART_S = 15.0
"""Between the moments that are named: a second one next to the first tells nothing new."""
SMALLEST_REM, LARGEST_REM = 1.0, 3.2
VW_A_REM = 2.8
"""On a phone: ten letters of the largest type take two thirds of the width."""


def answer_html(
    answer: MoodPrediction,
    mel: Float32[np.ndarray, "frames n_mels"] | None,
    player: str,
    lines: Sequence[tuple[str, float]],
    trained_on: str,
    found: FoundSong | None,
) -> str:
    """Everything there is to see of an answer.

    Args:
        mel: log-mel spectrogram, dB; None where only words were judged.
        player: address of the sound; empty where there is none.
        lines: of the words, those that speak most for the mood, with its probability.
        trained_on: what the model was trained on.
        found: where the sound is from; None where a visitor brought it.
    """
    parts = [notes(answer), cards(answer), bars(answer)]
    if player:
        parts.append(f'<audio controls class="mood-player" aria-label="The song" src="{escape(player)}"></audio>')
        parts.append(source(found) if found is not None else "")
    if mel is not None:
        timeline = [spectrogram(mel), curve(answer), f'<div class="cursor" data-duration="{answer.duration_s}"></div>']
        parts.append(f'<section class="timeline">{"".join(timeline)}</section>')
        parts.append(strongest_moments(answer))
    parts.append(
        f'<div class="why">{plane(answer)}<div>{lines_html(lines, answer.mood or "")}{sides(answer)}</div></div>'
    )
    parts.append(f'<p class="origin">The model was trained on {escape(trained_on)}.</p>')
    return f'<div class="answer">{"".join(parts)}</div>'


def source(found: FoundSong) -> str:
    """Where a sound was found, with its page; an address that is none of the web's is left out."""
    name = escape(found.provider)
    if found.page.startswith(("https://", "http://")):
        name = f'<a href="{escape(found.page)}" target="_blank" rel="noopener noreferrer">{name}</a>'
    return f'<p class="origin">Audio from {name}.</p>'


def notes(answer: MoodPrediction) -> str:
    """What limits the answer, said before it."""
    said = []
    if answer.mood and not answer.fits:
        said.append("No mood fits: the model is no more certain than when it guesses, or the audio is unlike music.")
    if answer.language not in (None, LEARNED_LANGUAGE):
        name = LANGUAGES.get(answer.language, answer.language)
        said.append(f"The lyrics are in {name}; the model learned from English lyrics, so trust the audio more.")
    return "".join(f'<p class="note" role="status">{escape(text)}</p>' for text in said)


def cards(answer: MoodPrediction) -> str:
    """The likeliest moods as cards; the type grows with the share, so half as likely is half as high."""
    ranked = sorted(answer.probabilities.items(), key=lambda item: -item[1])[:TOP_CARDS]
    colour = _colours(answer)
    shown = []
    for mood, share in ranked:
        size = max(SMALLEST_REM, LARGEST_REM * share)
        height = f"clamp({SMALLEST_REM}rem,{VW_A_REM * size:.2f}vw,{size:.2f}rem)"
        style = f"border-color:{colour[mood]};font-size:{height};flex-grow:{100 * share:.2f}"
        shown.append(
            f'<div class="card" style="{style}"><span class="mood">{escape(mood)}</span>'
            f'<span class="share">{share:.0%}</span></div>'
        )
    return f'<section class="cards" aria-label="Likeliest moods">{"".join(shown)}</section>'


def bars(answer: MoodPrediction) -> str:
    """All moods, and the tags that are given."""
    colour = _colours(answer)
    rows = [
        f'<div class="row"><span>{escape(mood)}</span><span class="track"><span class="fill" '
        f'style="width:{share:.1%};background:{colour[mood]}"></span></span><span>{share:.1%}</span></div>'
        for mood, share in answer.probabilities.items()
    ]
    tags = f"<p>Tags: {escape(', '.join(answer.given_tags) or 'none')}</p>" if answer.tags else ""
    return f'<section class="bars" aria-label="All moods">{"".join(rows)}{tags}</section>'


def spectrogram(mel: Float32[np.ndarray, "frames n_mels"]) -> str:
    """The spectrogram as a picture, low notes at the bottom."""
    columns = np.linspace(0, len(mel) - 1, min(WIDTH, len(mel))).astype(int)
    scaled = (mel[columns] - mel.min()) / max(float(np.ptp(mel)), 1e-6)
    pixels = (255 * colormaps["magma"](scaled.T[::-1])[..., :3]).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)  # a tenth of the bytes of a PNG, and of the time
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img class="spectrogram" alt="Spectrogram of the song" src="data:image/jpeg;base64,{data}">'


def curve(answer: MoodPrediction) -> str:
    """Moods over time, stacked to the whole height."""
    if not answer.curve:
        return ""
    (seconds, shares), colour = answer.drawn_curve(), _colours(answer)
    across = (WIDTH * seconds / answer.duration_s).tolist()
    above = HEIGHT * (1 - np.cumsum(shares, axis=1))
    below = np.concatenate([np.full((len(above), 1), HEIGHT), above[:, :-1]], axis=1)
    shapes = []
    for number, mood in enumerate(answer.probabilities):
        points = [*zip(across, above[:, number], strict=True), *zip(across[::-1], below[::-1, number], strict=True)]
        shapes.append(
            f'<polygon fill="{colour[mood]}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}">'
            f"<title>{escape(mood)}</title></polygon>"
        )
    legend = "".join(f'<span style="--c:{colour[mood]}">{escape(mood)}</span>' for mood in answer.probabilities)
    drawn = (
        f'<svg class="curve" role="img" aria-label="Mood over time" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="none">{"".join(shapes)}</svg>'
    )
    return f'{drawn}{time_axis(answer.duration_s)}<p class="legend">{legend}</p>'


def time_axis(duration_s: float) -> str:
    """Minutes and seconds below the curve."""
    step = next((step for step in TICKS_S if duration_s / step <= MOST_TICKS), TICKS_S[-1])
    ticks = (
        f'<span style="left:{100 * second / duration_s:.2f}%">{_clock(second)}</span>'
        for second in range(0, int(LAST_TICK * duration_s) + 1, step)
    )
    return f'<div class="axis" aria-hidden="true">{"".join(ticks)}</div>'


def strongest_moments(answer: MoodPrediction) -> str:
    """When the song is most what it is."""
    if len(answer.curve) < 2 or answer.mood is None:
        return ""
    ranked = sorted(answer.curve, key=lambda moment: -moment.probabilities[answer.mood])
    apart = [moment for moment in ranked if abs(moment.start_s - ranked[0].start_s) > APART_S]
    told = " and ".join(f"{_clock(one.start_s)} to {_clock(one.end_s)}" for one in (ranked[0], *apart[:1]))
    return f"<p>Most {escape(answer.mood)}: {told}.</p>"


def lines_html(lines: Sequence[tuple[str, float]], mood: str) -> str:
    """Lines of the lyrics that by themselves speak for the mood.

    Args:
        lines: with the probability of the mood, strongest first.
    """
    if not lines:
        return ""
    items = "".join(f"<li>“{escape(line)}” {share:.0%}</li>" for line, share in lines)
    return f'<section class="lines"><h3>Lines that alone speak most for {escape(mood)}</h3><ol>{items}</ol></section>'


def plane(answer: MoodPrediction) -> str:
    """The song's place in Russell's plane."""
    if answer.position is None:
        return ""
    (valence, arousal), colour = answer.position, _colours(answer)[answer.mood]
    names = "".join(
        f'<text x="{50 * x}" y="{-114 * y + 5}" text-anchor="middle">{escape(mood)}</text>'
        for mood, (x, y) in QUADRANTS.items()
    )
    return (
        f'<section class="plane"><svg role="img" aria-label="Valence {valence:+.2f}, arousal {arousal:+.2f}" '
        'viewBox="-110 -125 220 250"><rect x="-100" y="-100" width="200" height="200"/>'
        f'<path d="M-100 0H100M0 -100V100"/>{names}'
        f'<circle fill="{colour}" cx="{100 * valence:.1f}" cy="{-100 * arousal:.1f}" r="7"/></svg>'
        f"<p>Valence {valence:+.2f} (unpleasant to pleasant), arousal {arousal:+.2f} (calm to excited)</p></section>"
    )


def sides(answer: MoodPrediction) -> str:
    """What moved the answer."""
    return f"<p>Moved by {answer.moved_by}.</p>"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _colours(answer: MoodPrediction) -> dict[str, str]:
    return {mood: COLOURS[number % len(COLOURS)] for number, mood in enumerate(answer.probabilities)}
