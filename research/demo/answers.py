"""From a visitor's song to the answer: HTML for the page, JSON for programs."""

import base64
from pathlib import Path
from urllib.parse import quote

from research.demo.view import answer_html
from research.demo.visit import Answer, Asked, RefusedError, message_html
from research.features.audio import MelSettings, load_log_mel
from research.features.files import AudioError, open_audio
from research.features.source import LONGEST_S, open_song
from research.inference import MoodPrediction, MoodPredictor
from research.inference.listening import Heard

TOP_LINES = 3
SHOWN_MEL = MelSettings()


def answer_song(predictor: MoodPredictor, asked: Asked) -> Answer:
    """The song's mood, or why there is none."""
    try:
        if asked.path is not None and asked.found is None:
            _check_length(asked.path)
        answer, heard = predictor.predict_heard(asked.path, asked.words or None)
        return _shown(predictor, answer, heard, asked), answer.to_json()
    except (RefusedError, ValueError) as error:
        return message_html(str(error)), None


def _check_length(path: Path) -> None:
    try:
        with open_audio(path) as audio:
            duration_s = audio.frames / audio.samplerate
    except AudioError as error:
        raise RefusedError(f"{path.name} is not a readable audio file; use MP3, M4A, WAV, FLAC or Ogg.") from error
    if duration_s > LONGEST_S:  # what would be heard in excerpts alone
        minutes, most = duration_s / 60, LONGEST_S / 60
        raise RefusedError(f"{path.name} lasts {minutes:.0f} minutes, at most {most:g} are taken here.")


def _shown(predictor: MoodPredictor, answer: MoodPrediction, heard: Heard | None, asked: Asked) -> str:
    mel, player = None, ""
    if heard is not None:
        mel, player = heard.spectrogram, _player(asked)
        if mel is None:  # frozen encoders read others, each its own
            with open_song(asked.path) as opened:
                mel = load_log_mel(opened.path, SHOWN_MEL)
    knows = answer.read and answer.mood is not None
    lines = predictor.telling_lines(asked.words, answer.mood, TOP_LINES) if knows else []
    return answer_html(answer, mel, player, lines, predictor.trained_on, asked.found)


def _player(asked: Asked) -> str:
    """Address of the sound; a preview travels with the answer, since nothing of it is kept here."""
    if asked.found is not None:
        return f"data:audio/mpeg;base64,{base64.b64encode(asked.path.read_bytes()).decode()}"
    return f"/gradio_api/file={quote(str(asked.path))}"
