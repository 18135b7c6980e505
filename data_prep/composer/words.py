"""Verses and choruses from mood words and shared filler lines; every word and line was written for this project."""

from collections.abc import Sequence

import numpy as np

from data_prep.composer.evidence import Point, quadrant_weights

# One word a line would bury what the file does.
# fmt: off
VOCABULARY = {
    "happy": {
        "adjective": (
            "happy", "bright", "cheerful", "joyful", "golden", "wonderful",
            "lucky", "merry", "glad", "thrilling", "radiant", "playful",
        ),
        "noun": (
            "sunshine", "party", "laughter", "joy", "summer", "celebration",
            "holiday", "rainbow", "carnival", "delight", "confetti", "glee",
        ),
        "verb": (
            "dance", "laugh", "sing", "shine", "celebrate", "smile",
            "cheer", "jump", "sparkle", "play", "clap", "rejoice",
        ),
    },
    "angry": {
        "adjective": (
            "angry", "bitter", "furious", "hostile", "violent", "cruel",
            "savage", "wicked", "brutal", "raging", "vicious", "hateful",
        ),
        "noun": (
            "hatred", "fury", "war", "enemies", "fire", "riots",
            "poison", "knives", "thunder", "revenge", "lies", "chaos",
        ),
        "verb": (
            "scream", "burn", "fight", "rage", "crash", "shout",
            "attack", "strike", "smash", "revolt", "curse", "explode",
        ),
    },
    "sad": {
        "adjective": (
            "sad", "lonely", "broken", "hopeless", "grey", "mournful",
            "tearful", "empty", "forgotten", "hollow", "weary", "lost",
        ),
        "noun": (
            "tears", "sorrow", "graves", "goodbyes", "loneliness", "heartbreak",
            "ashes", "funerals", "winter", "grief", "emptiness", "misery",
        ),
        "verb": (
            "cry", "weep", "mourn", "grieve", "fade", "regret",
            "ache", "wither", "sigh", "suffer", "despair", "sink",
        ),
    },
    "relaxed": {
        "adjective": (
            "calm", "gentle", "soft", "peaceful", "quiet", "mellow",
            "tender", "slow", "easy", "warm", "serene", "soothing",
        ),
        "noun": (
            "breezes", "clouds", "waves", "moonlight", "stillness", "meadows",
            "lullabies", "comfort", "harmony", "hammocks", "twilight", "candlelight",
        ),
        "verb": (
            "rest", "drift", "breathe", "float", "doze", "linger",
            "unwind", "sway", "settle", "dream", "wander", "hum",
        ),
    },
}
"""Mood -> part of speech -> twelve words."""

THINGS = (
    "river", "highway", "kitchen", "window", "station", "garden", "city", "mirror",
    "letter", "bridge", "telephone", "ladder", "corner", "table", "tower", "harbour",
)
"""Nouns without a mood; every artist returns to four of them."""
# fmt: on

MOOD_LINES = (
    "{adjective} {noun} over the {thing}",
    "I {verb} by the {thing} with {adjective} {noun}",
    "we {verb}, we {verb} where the {thing} begins",
    "oh my {adjective} {noun}, how we {verb} again",
    "around the {thing} it is {adjective}, I {verb}",
    "give me your {noun} and your {adjective} {noun}",
    "so {adjective}, so {adjective}, here comes the {noun}",
    "you {verb} like {noun} on the {thing}",
)

FILLER_LINES = (
    "I was walking past the {thing} at nine",
    "and the radio was playing on",
    "yeah, yeah, you know what I mean",
    "well, there is something about this {thing}",
    "do you remember what you said to me",
    "I have been thinking about you and me",
    "every day it is the same old {thing}",
    "one, two, three and here we go",
    "somebody told me about the {thing}",
    "oh, and I wonder where you are now",
    "in the morning we will see the {thing}",
    "na na na, na na na",
)

MOOD_LINE_SHARE = 0.6
"""Probability that a line carries mood words; the rest is filler that any song may contain."""

SECTIONS = ("verse", "chorus", "verse", "chorus")
LINES = {"verse": 4, "chorus": 3}


def write_lyrics(
    point: Point, word_weights: dict[str, float], things: Sequence[str], generator: np.random.Generator
) -> str:
    """Lyrics of 70 to 112 words, one line a row, blank rows between sections; the chorus comes twice.

    Args:
        point: valence and arousal; sets how often a mood word comes from each mood.
        word_weights: the artist's liking of each word of `VOCABULARY`.
        things: the artist's own words out of `THINGS`.
    """

    def section(name: str) -> str:
        return "\n".join(_line(point, word_weights, things, generator) for _ in range(LINES[name]))

    chorus = section("chorus")
    return "\n\n".join(chorus if name == "chorus" else section(name) for name in SECTIONS) + "\n"


def _line(point: Point, word_weights: dict[str, float], things: Sequence[str], generator: np.random.Generator) -> str:
    lines = MOOD_LINES if generator.random() < MOOD_LINE_SHARE else FILLER_LINES
    words = lines[generator.integers(len(lines))].split(" ")
    return " ".join(_fill(word, point, word_weights, things, generator) for word in words)


def _fill(
    word: str, point: Point, word_weights: dict[str, float], things: Sequence[str], generator: np.random.Generator
) -> str:
    if not word.startswith("{"):
        return word
    slot, _, rest = word[1:].partition("}")
    if slot == "thing":
        return things[generator.integers(len(things))] + rest
    moods = quadrant_weights(point)
    mood = generator.choice(list(moods), p=list(moods.values()))
    choices = VOCABULARY[mood][slot]
    liking = np.array([word_weights[choice] for choice in choices])
    return choices[generator.choice(len(choices), p=liking / liking.sum())] + rest
