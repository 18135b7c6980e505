"""The command `mood`. Heavy imports wait until a subcommand needs them: help answers at once."""

import argparse
import json
import os
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
    bench = commands.add_parser("bench", help="each fast path beside its peer, on this machine", description=_BENCH)
    bench.add_argument("--only", nargs="+", default=[], metavar="KEY", help="keys to measure; an unknown one lists all")
    bench.add_argument("--clips", type=Path, metavar="FOLDER", help="real songs to measure on, instead of made ones")
    bench.add_argument("--json", action="store_true", help="one JSON object with the machine, instead of a table")
    options = parser.parse_args(arguments)
    if options.command == "bench":
        return _bench(options)
    if options.lyrics and len(options.songs) > 1:
        parser.error("--lyrics goes with a single song; put SONG.txt beside each sound file instead")
    return _predict(options)


_BENCH = """Measure every fast path beside its peer, in one run and in turn, round after round: median and quartiles of
the ratio by wall and by CPU time, and how far the path is from the machine's own limit. Takes minutes; what else runs
on the machine hits both sides of a ratio alike, but the fewer the better."""


def _bench(options: argparse.Namespace) -> int:
    # Before NumPy starts its threads: what is measured on one core is to use one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    from research.bench.suite import machine, measure, report, table

    found, where = [], machine()
    try:
        for one in measure(options.only, options.clips):
            found.append(one)
            print(f"{one.key} {one.value.median:.3g} {one.unit}", file=sys.stderr)
    except ValueError as error:
        print(f"mood: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(report(found, where), indent=1))
    else:
        print("\n".join([*(f"{name}: {value}" for name, value in where.items()), "", *table(found)]))
    return 0


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
