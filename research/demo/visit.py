"""What a visitor of the page asks, and gets."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from research.demo.lookup import FoundSong

Answer = tuple[str, dict[str, Any] | None]
"""HTML for the page, JSON for programs."""


@dataclass(frozen=True)
class Asked:
    """A visitor's song."""

    path: Path | None
    words: str
    found: FoundSong | None
    """What the search found; None: the visitor's own upload."""


class RefusedError(Exception):
    """The request cannot be answered; the message is for the visitor."""


def message_html(text: str) -> str:
    """Why there is no answer; a visitor's file is named without where it lies here."""
    told = " ".join(Path(word).name if word.startswith("/") else word for word in text.split(" "))
    return f'<div class="answer message" role="alert">{escape(told)}</div>'
