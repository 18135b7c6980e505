"""The command `mood`. A subcommand's libraries are imported when it is asked for: help answers at once."""

import argparse
import gc
import os
import sys
from pathlib import Path
from typing import NoReturn

DEFAULT_RUN = Path("runs/synthetic/fusion-fold0-seed0")
"""What `make model` trains on the embedded corpus, and `make fusion` too."""
RUN_HELP = "run folder or exported folder (default: %(default)s, which `make model` trains on invented songs)"


def program() -> NoReturn:
    """`mood` as a process of its own. Exit status: main's, 130 when interrupted, 1 when nobody reads what it prints."""
    # Libraries are a million objects that stay: walking them every 700 new ones takes a fifth of the time to an answer.
    gc.set_threshold(100_000)
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:  # mood predict music/ | head
        status = 1
    sys.stderr.flush()
    os._exit(status)  # else Python takes the libraries' objects apart one by one: one to two seconds


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 all songs judged, 1 some could not be, or not fully, 2 wrong usage, or nothing to judge (with)."""
    options = _parser().parse_args(arguments)
    if "run" in options and options.run == DEFAULT_RUN and not DEFAULT_RUN.exists():
        told = "`make model` trains it on invented songs; or name a run or an exported folder by --run"
        print(f"mood: there is no default model yet ({DEFAULT_RUN}): {told}", file=sys.stderr)
        return 2
    return COMMANDS[options.command](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mood", description="The mood of songs from their sound and their words.")
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="mood of songs, by a trained run", description=_PREDICT)
    predict.add_argument("songs", nargs="+", type=Path, metavar="SONG", help="sound files, or folders of them")
    predict.add_argument("--run", default=DEFAULT_RUN, type=Path, help=RUN_HELP)
    predict.add_argument("--lyrics", type=Path, help="UTF-8 text file with the words, for a single song")
    shape = predict.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one JSON object a line instead of text")
    shape.add_argument("--csv", action="store_true", help="one row a song instead of text")
    predict.add_argument("--precise", action="store_true", help=_PRECISE)
    predict.add_argument("--curve", type=Path, metavar="PLOT", help="picture of the mood over time, for a single song")
    explain = commands.add_parser("explain", help="what drove the answer for a song", description=_EXPLAIN)
    explain.add_argument("song", type=Path, metavar="SONG", help="sound file")
    explain.add_argument("--run", default=DEFAULT_RUN, type=Path, help=RUN_HELP)
    explain.add_argument("--lyrics", type=Path, help="UTF-8 text file with the words")
    explain.add_argument("--out", required=True, type=Path, metavar="PICTURE", help="the page, .png, .pdf or .svg")
    explain.add_argument("--label", help="mood to explain, or a tag of no mood's name (default: the most likely)")
    explain.add_argument("--json", action="store_true", help="one JSON object with the words' numbers instead of text")
    evaluate = commands.add_parser("evaluate", help="scores of a run on a prepared corpus", description=_EVALUATE)
    evaluate.add_argument("run", type=Path, metavar="RUN", help="run folder or exported folder")
    evaluate.add_argument("--tracks", required=True, type=Path, metavar="TABLE", help="data/CORPUS/tracks.parquet")
    evaluate.add_argument("--precise", action="store_true", help=_PRECISE)
    evaluate.add_argument("--json", action="store_true", help="one JSON object instead of text")
    export = commands.add_parser("export", help="a run as a folder to pass on, and as ONNX", description=_EXPORT)
    export.add_argument("run", type=Path, metavar="RUN", help="finished run folder")
    export.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="new folder")
    export.add_argument("--no-onnx", action="store_true", help="without model.onnx")
    demo = commands.add_parser("demo", help="the web page", description=_DEMO)
    demo.add_argument("--run", default=DEFAULT_RUN, type=Path, help=RUN_HELP)
    demo.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    demo.add_argument("--port", default=7860, type=int, help="(default: %(default)s)")
    bench = commands.add_parser("bench", help="each fast path beside its peer, on this machine", description=_BENCH)
    bench.add_argument("--only", nargs="+", default=[], metavar="KEY", help="keys to measure; an unknown one lists all")
    bench.add_argument("--clips", type=Path, metavar="FOLDER", help="real songs to measure on, instead of made ones")
    bench.add_argument("--json", action="store_true", help="one JSON object with the machine, instead of a table")
    return parser


_PRECISE = "fp32 on CPUs that multiply bfloat16 too: slower, equal on all machines"
_PREDICT = """Judge each song by the model of a run. Words are taken from --lyrics, or from a text file of the song's
name beside it (song.lrc with line times, or song.txt); without words the sound alone decides. Goes on past songs that
cannot be judged and lists them at the end, and those judged by the sound alone as the text file beside them cannot be
read. Exit status: 0 all done, 1 some are on that list, 2 wrong usage, such as a --lyrics file that cannot be read."""
_EXPLAIN = """Draw what drove the answer for one song: the spectrogram and the words, coloured by what they add to the
log-odds of its mood (integrated gradients), and the probabilities. Words are found as by `predict`. Takes seconds where
the network learned from spectrograms, a minute a clip where published networks listen."""
_EVALUATE = """Accuracy, macro-F1 and their intervals, confusion and each mood's scores on a prepared corpus. Of the
corpus a run was trained on, only its own test songs are scored, also where the table has changed since."""
_EXPORT = """Write weights, configuration, labels, calibration, model card and model.onnx to a folder that `mood predict
--run FOLDER` and MoodPredictor load, and that can be pushed to a hub as it is. ONNX needs the extra `export`."""
_DEMO = """Serve the web page: upload a song or search one, see its mood. Needs the extra `demo`."""
_BENCH = """Measure every fast path beside its peer, in one run and in turn, round after round: median and quartiles of
the ratio by wall and by CPU time, and how far the path is from the machine's own limit. Takes minutes; what else runs
on the machine hits both sides of a ratio alike, but the fewer the better."""


def _predict(options: argparse.Namespace) -> int:
    from research.commands import predict

    return predict.run(options)


def _explain(options: argparse.Namespace) -> int:
    from research.commands import explain

    return explain.run(options)


def _evaluate(options: argparse.Namespace) -> int:
    from research.commands import evaluate

    return evaluate.run(options)


def _export(options: argparse.Namespace) -> int:
    from research.commands import export

    return export.run(options)


def _demo(options: argparse.Namespace) -> int:
    from research.commands import demo

    return demo.run(options)


def _bench(options: argparse.Namespace) -> int:
    from research.commands import bench  # imports its libraries itself, once their threads are set

    return bench.run(options)


COMMANDS = {
    "predict": _predict,
    "explain": _explain,
    "evaluate": _evaluate,
    "export": _export,
    "demo": _demo,
    "bench": _bench,
}
