"""Is it the same song? Artist, title and duration of a song wanted and a song found, compared; pure.

A wrong match puts the sound of another song under a mood, so where the names leave doubt the answer is no.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from research.tracks import artist_key, without_accents

MIN_SCORE = 0.9
"""Matches below this are none. Chosen on the pairs of tests/golden/title_pairs.tsv for precision 1."""
MIN_TYPO_LETTERS = 12
"""Titles shorter than this must agree exactly: "Angel" and "Angels" are two songs."""
MIN_TYPO_RATIO = 0.93
DURATION_SLACK_S = 8.0
"""Two masters of one recording differ by fade and silence, a live take or remix by more."""
DURATION_SLACK_SHARE = 0.05

LETTERS = str.maketrans({"ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "æ": "ae", "Æ": "ae", "œ": "oe", "đ": "d", "ð": "d"})
"""Letters that Unicode does not take apart into letter and accent."""
# What makes another recording: both sides must say the same.
VERSIONS = {
    "live": r"\blive\b|\bunplugged\b|\bin concert\b|\bsessions?\b|\bbbc\b",
    "cover": r"\bcover|\bkaraoke\b|\btribute\b|\bstyle of\b|made (?:famous|popular) by|originally performed|"
    r"\bbacking track\b|\bplayback\b|\blullaby\b|\b8-bit\b",
    "remix": r"\bremix|\bmix\b|\brmx\b|\bdub\b|\brework|\bbootleg\b|\bmash-?up\b|\bvip\b|\bre-?edit\b",
    "acoustic": r"\bacoustic\b|\bstripped\b|\bpiano version\b|\borchestral\b",
    "instrumental": r"\binstrumental\b",
    "vocals": r"\ba ?cap+el+a\b",
    "demo": r"\bdemo\b|\brough\b|\bouttake\b|\brehearsal\b|\balternat(?:e|ive) (?:take|version)\b",
    "speed": r"\bsped up\b|\bslowed\b|\bnightcore\b|\breverb\b",
    "rerecorded": r"\bre-?record|\btaylor's version\b|\bnew version\b",
    "reprise": r"\breprise\b|\bintro\b|\boutro\b|\binterlude\b|\bmedley\b",
    "language": r"\b(?:spanish|english|french|german|italian|japanese|portuguese) version\b|\ben espanol\b",
}
# What only says which pressing it is: the same recording.
PRESSING = re.compile(
    r"re-?master|\b(?:album|single|lp|ep|original|full length|main|explicit|clean|amended|radio|stereo|mono|video|"
    r"digital|deluxe|bonus)\b.*\b(?:version|edit|mix|track|master|edition)\b|\boriginal\b|\bexplicit\b|\bclean\b|"
    r"\bmono\b|\bstereo\b|\bbonus track\b|\bfrom (?:the )?|\bost\b|\bsoundtrack\b|\bdeluxe\b|\bedit\b|\bversion\b|"
    r"^(?:19|20)\d\d$|\balbum\b"
)
PRESSING_MIX = re.compile(r"\b(?:original|mono|stereo|album|single|radio)\b.*\bmix\b")
"""Not a remix, though it says mix."""
BRACKETS = r"[(\[]([^)\]]*)[)\]]"
EDITED = re.compile(r"\bedit\b|\bextended\b|\bsingle version\b")
GUESTS = re.compile(r"\b(?:feat|ft|featuring)\b\.?\s+\S|^with\s+\S")
ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "x": "10"}
BACKING_BAND = re.compile(r"\s+(?:and|with)\s+(?:the|his|her|their)\s+.*")
ACTS = re.compile(r"\s*(?:,|;|/|&|\+|\band\b|\bx\b|\bvs\.?(?=\s)|\bwith\b|\b(?:feat|ft|featuring)\b\.?)\s+")


@dataclass(frozen=True, kw_only=True)
class Named:
    """A song by its names."""

    artist: str
    title: str
    duration_s: float | None = None


@dataclass(frozen=True)
class Match:
    """How far a found song is the one wanted."""

    score: float
    """0 another song, 1 the same in every letter."""
    fault: str = ""
    """What differs where the score is 0."""


@dataclass(frozen=True)
class TitleParts:
    """A title taken apart."""

    forms: tuple[str, ...]
    """The name without its version, first with and then without what stands in brackets."""
    versions: frozenset[str]
    edited: bool
    """Cut or drawn out: the duration says nothing."""
    origin: str
    """Film or show it was written for, where the title says so."""


def match(wanted: Named, found: Named) -> Match:
    """Compare a song wanted with a song found; the score is 0 from the first thing that differs."""
    artists = _artist_score(wanted.artist, found.artist)
    if not artists:
        return Match(0.0, "another artist")
    here, there = title_parts(wanted.title), title_parts(found.title)
    titles = _title_score(here.forms, there.forms)
    if not titles:
        return Match(0.0, "another title")
    if here.origin and there.origin and here.origin != there.origin:
        return Match(0.0, "from another work")
    if here.versions != there.versions:
        return Match(0.0, "another version")
    times = 1.0 if here.edited or there.edited else _duration_score(wanted.duration_s, found.duration_s)
    return Match(round(artists * titles * times, 4)) if times else Match(0.0, "another duration")


def title_parts(title: str) -> TitleParts:
    """Name and versions of a title.

    >>> title_parts("Help! (Live at the BBC) - Remastered 2013").versions
    frozenset({'live'})
    """
    head, *tail = re.split(r"\s+[-\u2013\u2014]\s+", _plain(title))
    pieces = [*re.findall(BRACKETS, head), *(piece for rest in tail for piece in re.split(r"[()\[\]]", rest))]
    notes = [piece for piece in pieces if not GUESTS.search(piece) and _is_note(piece)]
    full = re.sub(
        BRACKETS, lambda found: "" if _is_note(found[1]) or GUESTS.search(found[1]) else f" {found[1]} ", head
    )
    rest = [piece for piece in tail if not _is_note(piece) and not GUESTS.search(piece)]
    bare = re.sub(BRACKETS, " ", head)
    forms = dict.fromkeys(_key(_without_guest(form)) for form in (" ".join([full, *rest]), bare))
    telling = [note for note in notes if not PRESSING_MIX.search(note)]
    versions = frozenset(name for name, words in VERSIONS.items() if any(re.search(words, note) for note in telling))
    edited = any(map(EDITED.search, notes))
    origin = next((_key(note) for note in notes if re.match(r"from\b", note)), "")
    return TitleParts(tuple(form for form in forms if form) or (_key(head),), versions, edited, origin)


def _is_note(piece: str) -> bool:
    return any(re.search(words, piece) for words in VERSIONS.values()) or PRESSING.search(piece) is not None


def _without_guest(name: str) -> str:
    return re.sub(r"\b(?:feat|ft|featuring)\b\.?\s+\S.*", "", name)


def _plain(text: str) -> str:
    return re.sub(r"[\u2018\u2019\u0060\u00b4\u02bc]", "'", without_accents(text.translate(LETTERS)))


def _key(text: str) -> str:
    """Words of a name under which its spellings meet."""
    text = re.sub(r"\s*(?:&|\+|'n'|\bn'|'n\b)\s*", " and ", text)
    text = re.sub(r"(\w)in'(?!\w)", r"\1ing", text).replace("$", "s").replace("'", "")
    text = re.sub(r"(?<=\w)!(?=\w)", "i", text)
    words = re.findall(r"[^\W_]+", re.sub(r"\b(?:pts?|parts?)\b\.?", "part", text))
    words = [
        ROMAN.get(word, word) if before == "part" else word for before, word in zip(["", *words], words, strict=False)
    ]
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    return " ".join(words) or text.strip()


def _artist_score(wanted: str, found: str) -> float:
    here, there = _artist(wanted), _artist(found)
    if not here or not there:
        return 0.0
    if here == there or here.replace(" ", "") == there.replace(" ", ""):
        return 1.0
    if _without_band(wanted) == there or _without_band(found) == here:
        return 0.97
    acts = _acts(wanted), _acts(found)
    few, many = min(acts, key=len), max(acts, key=len)
    # One act of several may be named alone; one word of them ("Simon") may be anyone.
    if len(few) == 1 and few < many and " " in next(iter(few)):
        return 0.95
    return 0.0


def _artist(name: str) -> str:
    text = re.sub(r"(.+), the$", r"the \1", _plain(name))
    return _key(artist_key(text.replace("$", "s").replace("'", "").replace("+", " and ").replace("p!", "pi")))


def _without_band(name: str) -> str:
    return _key(BACKING_BAND.sub("", artist_key(_plain(name).replace("'", "").replace("+", " and "))))


def _acts(name: str) -> frozenset[str]:
    return frozenset(_key(act) for act in ACTS.split(_plain(name)) if act.strip())


def _title_score(here: tuple[str, ...], there: tuple[str, ...]) -> float:
    # Brackets may be left out on one side only: two songs can differ in nothing but their brackets.
    pairs = [(here[0], there[0]), (here[0], there[-1]), (here[-1], there[0])]
    if len(here) > 1 and len(there) > 1:
        pairs = pairs[:1]
    return max(_likeness(*pair) * (1.0 if pair == pairs[0] else 0.97) for pair in pairs)


def _likeness(here: str, there: str) -> float:
    if here.replace(" ", "") == there.replace(" ", ""):
        return 1.0
    if min(len(here), len(there)) < MIN_TYPO_LETTERS or re.findall(r"\d+", here) != re.findall(r"\d+", there):
        return 0.0
    ratio = SequenceMatcher(None, here, there, autojunk=False).ratio()
    return ratio if ratio >= MIN_TYPO_RATIO else 0.0


def _duration_score(wanted: float | None, found: float | None) -> float:
    if not wanted or not found:
        return 1.0
    slack = max(DURATION_SLACK_S, DURATION_SLACK_SHARE * wanted)
    apart = abs(wanted - found)
    return 1.0 - 0.05 * apart / slack if apart <= slack else 0.0
