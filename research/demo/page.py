"""The web page: search for a song or upload one, with or without lyrics; see its mood, overall and over time."""

import base64
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import gradio as gr

from research.demo.lookup import FoundSong, Lookup, NotFoundError
from research.demo.style import FOLLOW_PLAYER
from research.demo.view import answer_html, message_html
from research.features.audio import MelSettings, load_log_mel
from research.features.files import AudioError, open_audio
from research.features.source import LONGEST_S, open_song
from research.inference import MoodPrediction, MoodPredictor
from research.inference.listening import Heard

SEARCH, UPLOAD = "Search", "Upload Song"
MAX_BYTES = "100mb"
MAX_LETTERS = 20_000
"""Of words; the longest raps have half of it."""
AT_ONCE, QUEUE = 2, 64
"""Songs judged at the same time, and visitors that may wait."""
KEPT_S = 600
"""Uploads are gone after so long: the player needs them while the answer is looked at."""
TOP_LINES = 3
FILE_PX = 160
"""High enough to drop a file on; the button stays on the first screen."""
SHOWN_MEL = MelSettings()


class RefusedError(Exception):
    """The request cannot be answered; the message is for the visitor."""


@dataclass(frozen=True)
class Asked:
    """A visitor's song."""

    path: Path | None
    words: str
    found: FoundSong | None
    """What the search found; None: the visitor's own upload."""


def build_page(predictor: MoodPredictor, lookup: Lookup | None, told: str) -> gr.Blocks:
    """The page as a Gradio app, to be launched or mounted.

    Args:
        lookup: how songs are searched; None: uploads alone.
        told: what the model was trained on.
    """
    modes = [SEARCH, UPLOAD] if lookup else [UPLOAD]

    def judge(
        mode: str, artist: str, title: str, file: str | None, lyrics: str, fetch: bool
    ) -> tuple[str, dict[str, Any] | None]:
        """Mood of a song: HTML for the page, JSON for programs."""
        with TemporaryDirectory(prefix="song-") as folder:
            try:
                asked = _asked(lookup, Path(folder), mode, artist, title, file, lyrics, fetch)
                answer, heard = predictor.predict_heard(asked.path, asked.words or None)
                return _shown(predictor, answer, heard, asked, told), answer.to_json()
            except (RefusedError, NotFoundError, ValueError) as error:
                return message_html(_without_folder(str(error))), None

    def switch(mode: str) -> dict:
        return gr.update(visible=mode == UPLOAD)

    # Gradio deletes what it kept of a visitor: looks every minute, at what is older than KEPT_S.
    with gr.Blocks(title="Mood Detection", delete_cache=(60, KEPT_S)) as page:
        gr.Markdown(
            f"# Mood Detection\nPredict the mood of a song from audio and lyrics. The model was trained on {told}."
        )
        mode = gr.Radio(modes, value=modes[-1], label="Song")
        file = gr.File(label="Audio file (MP3, M4A, WAV, FLAC, Ogg)", type="filepath", height=FILE_PX)
        # Shown with an upload too: the words are fetched by them.
        with gr.Row(visible=lookup is not None):
            artist = gr.Textbox(label="Artist", max_length=200)
            title = gr.Textbox(label="Title", max_length=200)
        gr.Markdown(f"Services used: {lookup.services}." if lookup else "", visible=lookup is not None)
        lyrics = gr.Textbox(label="Lyrics (optional; line times such as [01:02.50] are used)", lines=4, max_lines=12)
        fetch = gr.Checkbox(label="Fetch lyrics from LRCLIB by artist and title", visible=lookup is not None)
        button = gr.Button("Show the mood", variant="primary")
        view = gr.HTML(label="Answer")
        with gr.Accordion("All numbers (JSON)", open=False):
            numbers = gr.JSON(label="Answer as JSON")
        mode.change(switch, mode, file, api_visibility="private")
        asked = [mode, artist, title, file, lyrics, fetch]
        button.click(judge, asked, [view, numbers], api_name="mood", concurrency_limit=AT_ONCE)
        page.load(None, None, None, js=FOLLOW_PLAYER)
    return page.queue(max_size=QUEUE)


def _asked(
    lookup: Lookup | None,
    folder: Path,
    mode: str,
    artist: str,
    title: str,
    file: str | None,
    lyrics: str,
    fetch: bool,
) -> Asked:
    words, named = (lyrics or "").strip(), bool((artist or "").strip() and (title or "").strip())
    if len(words) > MAX_LETTERS:
        raise RefusedError(f"The lyrics have {len(words)} letters; at most {MAX_LETTERS} are accepted.")
    if mode == SEARCH and lookup is not None:
        if not named:
            raise RefusedError("Please enter artist and title.")
        found: FoundSong | None = lookup.sound(artist.strip(), title.strip(), folder)
        path: Path | None = found.path
    else:
        found, path = None, Path(file) if file else None
        if path is not None:
            _check_length(path)
    if fetch and lookup is not None and not words:
        if not named:
            raise RefusedError("Artist and title are needed to fetch the lyrics.")
        words = lookup.words(artist.strip(), title.strip(), folder)
    if path is None and not words:
        raise RefusedError("Please choose an audio file, or enter the lyrics.")
    return Asked(path, words, found)


def _check_length(path: Path) -> None:
    try:
        with open_audio(path) as audio:
            duration_s = audio.frames / audio.samplerate
    except AudioError as error:
        raise RefusedError(f"{path.name} is not a readable audio file; use MP3, M4A, WAV, FLAC or Ogg.") from error
    if duration_s > LONGEST_S:  # what would be heard in excerpts alone
        minutes, most = duration_s / 60, LONGEST_S / 60
        raise RefusedError(f"{path.name} lasts {minutes:.0f} minutes, at most {most:g} are taken here.")


def _shown(predictor: MoodPredictor, answer: MoodPrediction, heard: Heard | None, asked: Asked, told: str) -> str:
    mel, player = None, ""
    if heard is not None:
        mel, player = heard.spectrogram, _player(asked)
        if mel is None:  # frozen encoders read others, each its own
            with open_song(asked.path) as opened:
                mel = load_log_mel(opened.path, SHOWN_MEL)
    knows = answer.read and answer.mood is not None
    lines = predictor.telling_lines(asked.words, answer.mood, TOP_LINES) if knows else []
    return answer_html(answer, mel, player, lines, told, asked.found)


def _player(asked: Asked) -> str:
    """Address of the sound; a preview travels with the answer, since nothing of it is kept here."""
    if asked.found is not None:
        return f"data:audio/mpeg;base64,{base64.b64encode(asked.path.read_bytes()).decode()}"
    return f"/gradio_api/file={quote(str(asked.path))}"


def _without_folder(text: str) -> str:
    """Names a visitor's file without where it lies here."""
    return " ".join(Path(word).name if word.startswith("/") else word for word in text.split(" "))
