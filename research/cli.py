"""The command `mood`. A subcommand's libraries are imported only when it runs, so that --help answers at once."""

import argparse
import atexit
import gc
import os
import sys
from pathlib import Path
from typing import NoReturn

DEFAULT_RUN = Path("runs/synthetic/fusion-fold0-seed0")
"""What `make model` trains on the embedded corpus, and `make fusion` too."""
RUN_HELP = "run folder or exported folder (default: %(default)s, which `make model` trains on invented songs)"


def program() -> NoReturn:
    """`mood` as a process of its own. Exit status: that of main, 130 when interrupted, 1 when stdout is closed."""
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
    atexit._run_exitfuncs()  # temporary folders go
    os._exit(status)  # else Python takes the libraries' objects apart one by one: one to two seconds


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 all songs judged, 1 some not, or not fully, 2 wrong usage, or no songs or no model."""
    options = _parser().parse_args(arguments)
    if "run" in options and options.run == DEFAULT_RUN and not DEFAULT_RUN.exists():
        told = "`make model` trains it on invented songs; or pass a run or an exported folder with --run"
        print(f"mood: there is no default model yet ({DEFAULT_RUN}): {told}", file=sys.stderr)
        return 2
    return COMMANDS[options.command](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mood", description="Predict the mood of songs from audio and lyrics.")
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="predict the mood of songs", description=_PREDICT)
    predict.add_argument("songs", nargs="+", type=Path, metavar="SONG", help="audio files, or folders of them")
    predict.add_argument("--run", default=DEFAULT_RUN, type=Path, help=RUN_HELP)
    predict.add_argument("--lyrics", type=Path, help="UTF-8 text file with the lyrics, for a single song")
    shape = predict.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one JSON object per line instead of text")
    shape.add_argument("--csv", action="store_true", help="one row per song instead of text")
    predict.add_argument("--precise", action="store_true", help=_PRECISE)
    predict.add_argument("--curve", type=Path, metavar="PLOT", help="plot the mood over time, for a single song")
    explain = commands.add_parser("explain", help="show what drove an answer", description=_EXPLAIN)
    explain.add_argument("song", type=Path, metavar="SONG", help="audio file")
    explain.add_argument("--run", default=DEFAULT_RUN, type=Path, help=RUN_HELP)
    explain.add_argument("--lyrics", type=Path, help="UTF-8 text file with the lyrics")
    explain.add_argument("--out", required=True, type=Path, metavar="PICTURE", help="picture file: .png, .pdf or .svg")
    explain.add_argument("--label", help="mood to explain, or a tag that is not a mood too (default: likeliest)")
    explain.add_argument("--json", action="store_true", help="one JSON object with each word's numbers")
    evaluate = commands.add_parser("evaluate", help="score a run on a prepared corpus", description=_EVALUATE)
    evaluate.add_argument("run", type=Path, metavar="RUN", help="run folder or exported folder")
    evaluate.add_argument("--tracks", required=True, type=Path, metavar="TABLE", help="data/CORPUS/tracks.parquet")
    evaluate.add_argument("--precise", action="store_true", help=_PRECISE)
    evaluate.add_argument("--json", action="store_true", help="one JSON object instead of text")
    export = commands.add_parser("export", help="export a run as a folder to share", description=_EXPORT)
    export.add_argument("run", type=Path, metavar="RUN", help="finished run folder")
    export.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="new folder")
    export.add_argument("--no-onnx", action="store_true", help="do not write model.onnx")
    demo = commands.add_parser("demo", help="serve the web page", description=_DEMO)
    demo.add_argument("--run", default=DEFAULT_RUN, type=Path, help=RUN_HELP)
    demo.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    demo.add_argument("--port", default=7860, type=int, help="port to listen on (default: %(default)s)")
    demo.add_argument("--workers", type=_at_least_one, metavar="N", help=_WORKERS)
    bench = commands.add_parser("bench", help="time each fast path against a reference", description=_BENCH)
    bench.add_argument("--only", nargs="+", default=[], metavar="KEY", help="keys to measure; an unknown key lists all")
    bench.add_argument("--clips", type=Path, metavar="FOLDER", help="real songs to measure on, not generated ones")
    bench.add_argument("--json", action="store_true", help="one JSON object, machine included, instead of a table")
    return parser


_PRECISE = "compute in fp32 also on CPUs that support bfloat16: slower, but equal up to rounding on all machines"
_WORKERS = "songs judged at the same time, each in a process with a model of its own (default: a core each, at most 4)"
_PREDICT = """Predict the mood of each song with the model of a run. Lyrics are taken from --lyrics, or from a text file
beside the song with the same name (song.lrc with line times, or song.txt); without lyrics the audio alone decides.
Songs that cannot be judged are skipped and listed at the end, with those judged by audio alone because the text file
beside them cannot be read. Exit status: 0 all done, 1 some songs are on that list, 2 wrong usage, such as a --lyrics
file that cannot be read."""
_EXPLAIN = """Draw what drove the answer for one song: the spectrogram and the lyrics, coloured by what they add to the
log-odds of its mood (integrated gradients), and the probabilities. Lyrics are found as in `predict`. Takes seconds for
networks trained on spectrograms here, up to a minute a clip for published audio networks."""
_EVALUATE = """Accuracy and macro-F1 with their intervals, confusion matrix and scores of each mood on a prepared
corpus. On the corpus a run was trained on, only its own test songs are scored, even if the table has changed since; on
another one, all songs but those by artists that the run learned from."""
_EXPORT = """Write weights, configuration, labels, calibration, model card and model.onnx to a folder that `mood predict
--run FOLDER` and MoodPredictor can load, and that can be pushed to a hub as it is. ONNX needs the extra `export`."""
_DEMO = """Serve the web page: upload a song or search for one, and see its mood. Needs the extra `demo`."""
_BENCH = """Measure every fast path against a reference, in one run and in turns, round after round: median and
quartiles of the ratio by wall time and by CPU time, and how close the path is to the machine's own limit. Takes
minutes. Other jobs on the machine slow both sides of a ratio alike, but the fewer the better."""


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


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
