"""What the page says where there is no answer."""

from html import escape
from pathlib import Path


class RefusedError(Exception):
    """The request cannot be answered; the message is for the visitor."""


def message_html(text: str) -> str:
    """Why there is no answer; a visitor's file is named without where it lies here."""
    told = " ".join(Path(word).name if word.startswith("/") else word for word in text.split(" "))
    return f'<div class="answer message" role="alert">{escape(told)}</div>'
