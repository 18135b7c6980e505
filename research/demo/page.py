"""The web page: search for a song or upload one, with or without lyrics; see its mood, overall and over time."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr

from research.demo.lookup import FoundSong, Lookup, NotFoundError
from research.demo.style import FOLLOW_PLAYER
from research.demo.visit import Answer, Asked, RefusedError, message_html

SEARCH, UPLOAD = "Search", "Upload Song"
MAX_BYTES = "100mb"
MAX_LETTERS = 20_000
"""Of words; the longest raps have half of it."""
QUEUE = 64
"""Visitors that may wait."""
LOOK_S = 0.005
"""Between two looks for visitors that wait. Gradio looks every millisecond, which slows the songs that are judged."""
KEPT_S = 600
"""Uploads are gone after so long: the player needs them while the answer is looked at."""
FILE_PX = 160
"""High enough to drop a file on; the button stays on the first screen."""


def build_page(judge: Callable[[Asked], Answer], lookup: Lookup | None, trained_on: str, at_once: int) -> gr.Blocks:
    """The page as a Gradio app, to be launched or mounted.

    Args:
        judge: called by several threads at the same time.
        lookup: how songs are searched; None: uploads alone.
        trained_on: what the model was trained on.
        at_once: visitors that are served at the same time; the others wait in the queue.
    """
    modes = [SEARCH, UPLOAD] if lookup else [UPLOAD]

    def mood(mode: str, artist: str, title: str, file: str | None, lyrics: str, fetch: bool) -> Answer:
        """Mood of a song: HTML for the page, JSON for programs."""
        with TemporaryDirectory(prefix="song-") as folder:
            try:
                return judge(_asked(lookup, Path(folder), mode, artist, title, file, lyrics, fetch))
            except (RefusedError, NotFoundError) as error:
                return message_html(str(error)), None

    def switch(mode: str) -> dict:
        return gr.update(visible=mode == UPLOAD)

    # Gradio deletes what it kept of a visitor: looks every minute, at what is older than KEPT_S.
    with gr.Blocks(title="Mood Detection", delete_cache=(60, KEPT_S)) as page:
        told = f"Predict the mood of a song from audio and lyrics. The model was trained on {trained_on}."
        gr.Markdown(f"# Mood Detection\n{told}")
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
        button.click(mood, asked, [view, numbers], api_name="mood", concurrency_limit=at_once)
        page.load(None, None, None, js=FOLLOW_PLAYER)
    page.queue(max_size=QUEUE)
    page._queue.sleep_when_free = max(LOOK_S, page._queue.sleep_when_free)
    return page


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
    if fetch and lookup is not None and not words:
        if not named:
            raise RefusedError("Artist and title are needed to fetch the lyrics.")
        words = lookup.words(artist.strip(), title.strip(), folder)
    if path is None and not words:
        raise RefusedError("Please choose an audio file, or enter the lyrics.")
    return Asked(path, words, found)
