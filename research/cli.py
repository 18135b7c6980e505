"""The command `mood`. Heavy imports wait until a subcommand needs them: help answers at once."""

import argparse
import json
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 all songs judged, 1 some or all could not be, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="mood", description="The mood of songs from their sound and their words.")
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="mood of songs, by a trained run", description=_PREDICT)
    predict.add_argument("songs", nargs="+", type=Path, metavar="SONG", help="sound files: wav, flac, mp3, ogg, opus")
    predict.add_argument("--run", required=True, type=Path, help="run folder, e.g. runs/synthetic/fusion-fold0-seed0")
    predict.add_argument("--lyrics", type=Path, help="UTF-8 text file with the words, for a single song")
    predict.add_argument("--json", action="store_true", help="one JSON object a line instead of text")
    options = parser.parse_args(arguments)
    if options.lyrics and len(options.songs) > 1:
        parser.error("--lyrics goes with a single song; put SONG.txt beside each sound file instead")
    return _predict(options)


_PREDICT = """Judge each song by the model of a run. Words are taken from --lyrics, or from a text file of the song's
name beside it (song.mp3, song.txt); without words the sound alone decides."""


def _predict(options: argparse.Namespace) -> int:
    from research.inference import MoodPredictor
    from research.runs import RunFolder

    try:
        predictor = MoodPredictor(RunFolder.load(options.run))
    except (FileNotFoundError, ValueError) as error:
        print(f"mood: {error}", file=sys.stderr)
        return 1
    origin = "invented songs (synthetic corpus)" if predictor.synthetic else predictor.corpus
    print(f"model {options.run}, trained on {origin}", file=sys.stderr)
    failed = 0
    for song in options.songs:
        words = options.lyrics or song.with_suffix(".txt")
        try:
            lyrics = words.read_text(encoding="utf-8") if options.lyrics or words.is_file() else None
            found = predictor.predict(song, lyrics)
        except (ValueError, OSError) as error:
            print(f"mood: {error}", file=sys.stderr)
            failed += 1
            continue
        if options.json:
            print(json.dumps({"song": str(song), "mood": found.mood, **vars(found)}))
        else:
            sides = " and ".join(name for name, used in (("sound", found.heard), ("words", found.read)) if used)
            shares = "  ".join(f"{label} {share:.2f}" for label, share in found.probabilities.items())
            print(f"{song}: {found.mood} (by {sides})  {shares}")
    return 1 if failed else 0
