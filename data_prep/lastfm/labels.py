"""Which mood do a song's tags give? Two rules by name, pure: `slides` as in 2020, `clean` as published work does it.

`slides`: exactly one of the slides' forty words is among the tags, exact and case-sensitive, whatever its weight.
`clean`: whole tags, lower-cased and trimmed, looked up in the project's lexicon; a tag counts if no source contests it,
if its weight reaches `MIN_WEIGHT` and if it does not stand in the title or the artist's name ("Quiet Riot" is not
quiet). A mood needs two such tags, or one and none of another mood; exactly one mood must be left.
Source of the agreement: Hu, Downie & Ehmann, "Lyric text mining in music mood classification", ISMIR 2009.
"""

import csv
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import research
from research.moods import MOODS

LEXICON = Path(research.__file__).parent / "lexicon.tsv"
SLIDES_SOURCE = "O"
"""Letter of the slides' forty words in the lexicon's column `sources`."""
MIN_WEIGHT = 10
"""Of 100, the weight of a song's most used tag: below it a single listener's whim decides."""

NO_TAGS = "no tags"
NO_MOOD_WORD = "no mood word"
SEVERAL_WORDS = "several mood words"
LISTED = "listed as mismatched"
NO_MOOD_TAG = "no mood tag"
CONTESTED = "only contested mood tags"
LIGHT = "mood tags too light"
NAMED = "mood word in title or artist"
DISAGREE = "mood tags disagree"


@dataclass(frozen=True, slots=True)
class TaggedTrack:
    """A track of the Last.fm set."""

    track_id: str
    artist: str
    title: str
    timestamp: str = ""
    tags: tuple[tuple[str, int], ...] = ()
    """(tag, weight 0-100) in the order of the source."""
    split: str | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of a track."""

    mood: str | None
    reason: str = ""
    """Why there is no mood; empty where there is one."""
    tags: tuple[str, ...] = ()
    """The mood tags that spoke for any mood: the multi-label side of the song."""


@dataclass(frozen=True)
class Lexicon:
    """Tags and the moods that sources give them."""

    moods: Mapping[str, str]
    contested: Collection[str]
    """Tags whose sources disagree or that mean something else as often."""
    slides: Mapping[str, str]
    """The slides' forty words."""
    mismatched: Collection[str] = field(default_factory=frozenset)
    """Track ids whose tags belong to another song."""


@cache
def read_lexicon(path: Path = LEXICON) -> Lexicon:
    """Read the lexicon.

    Raises:
        ValueError: a tag stands twice or names no known mood.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    moods = {row["tag"]: row["mood"] for row in rows}
    if len(moods) < len(rows) or set(moods.values()) - set(MOODS):
        raise ValueError(f"{path}: each tag must stand once and name one of {', '.join(MOODS)}")
    sources = {row["tag"]: dict(source.split(":") for source in row["sources"].split(",")) for row in rows}
    return Lexicon(
        moods=moods,
        contested=frozenset(row["tag"] for row in rows if row["flag"]),
        slides={tag: named[SLIDES_SOURCE] for tag, named in sources.items() if SLIDES_SOURCE in named},
    )


def slides_rule(track: TaggedTrack, lexicon: Lexicon) -> Verdict:
    """Mood by the rule of the 2020 slides."""
    found = tuple(dict.fromkeys(tag for tag, _ in track.tags if tag in lexicon.slides))
    if len(found) == 1:
        return Verdict(lexicon.slides[found[0]], tags=found)
    return Verdict(None, SEVERAL_WORDS if found else NO_MOOD_WORD if track.tags else NO_TAGS, found)


def clean_rule(track: TaggedTrack, lexicon: Lexicon) -> Verdict:
    """Mood by agreement of uncontested tags; the first test that leaves nothing is the reason."""
    if track.track_id in lexicon.mismatched:
        return Verdict(None, LISTED)
    if not track.tags:
        return Verdict(None, NO_TAGS)
    weights: dict[str, int] = {}
    for tag, weight in track.tags:
        word = tag.strip().lower()
        if word in lexicon.moods:
            weights[word] = max(weight, weights.get(word, 0))
    named = f"{_words(track.artist)}|{_words(track.title)}" if weights else ""
    tests = (
        (NO_MOOD_TAG, lambda word, weight: True),
        (CONTESTED, lambda word, weight: word not in lexicon.contested),
        (LIGHT, lambda word, weight: weight >= MIN_WEIGHT),
        (NAMED, lambda word, weight: _words(word) not in named),
    )
    for fault, passes in tests:
        weights = {word: weight for word, weight in weights.items() if passes(word, weight)}
        if not weights:
            return Verdict(None, fault)
    return _agreed(tuple(weights), lexicon)


RULES = {"clean": clean_rule, "slides": slides_rule}


def _agreed(tags: tuple[str, ...], lexicon: Lexicon) -> Verdict:
    votes = Counter(lexicon.moods[tag] for tag in tags)
    supported = [mood for mood, n in votes.items() if n > 1 or len(votes) == 1]
    return Verdict(supported[0], tags=tags) if len(supported) == 1 else Verdict(None, DISAGREE, tags)


def _words(text: str) -> str:
    return " ".join(["", *re.findall(r"[^\W_]+", text.casefold()), ""])
