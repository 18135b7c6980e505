"""Rows of a CSV or JSON-lines file, each with the number of the line it came from."""

import csv
import io
import json
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path

MAX_CELL = 50_000_000
"""Letters in a cell: the csv module's own limit of 131,072 would refuse the lyrics of a long rap."""


def read_csv(path: Path, required: Collection[str]) -> list[tuple[int, dict[str, str]]]:
    """Rows of a table whose first line names the columns; comma, semicolon or tab, with or without byte order mark.

    Bytes that are not UTF-8 come through as lone surrogates, so that a caller can reject their row alone.

    Args:
        path: the file.
        required: columns that must be there, in lower case.

    Returns:
        For each row its first line (the header is line 1) and its cells by column (its name in lower case), trimmed; a
        cell beyond the header stands under "".

    Raises:
        FileNotFoundError: no such file.
        ValueError: a required column is missing (names what was found), or a cell is longer than `MAX_CELL`.
    """
    text = _read(path).decode("utf-8-sig", errors="surrogateescape")
    header = text.split("\n", 1)[0]
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    columns = [name.strip().casefold() for name in next(reader, [])]
    if missing := sorted(set(required) - set(columns)):
        raise ValueError(
            f"{path}: no column {missing} among {[name[:40] for name in columns[:20]]}; save it as UTF-8 CSV"
        )
    rows, first_line = [], reader.line_num + 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((first_line, _by_column(columns, cells)))
            first_line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{path} line {first_line}: {error}; is a quotation mark left open there?") from error
    return rows


def read_json_lines(path: Path, required: Collection[str]) -> list[tuple[int, dict[str, str]]]:
    """Objects of a file with one JSON object a line; null becomes "", numbers become text.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line is not a JSON object in UTF-8 or lacks a required key.
    """
    rows = []
    for number, line in enumerate(_read(path).split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path} line {number} is not JSON: {error}") from error
        if not isinstance(row, dict) or set(required) - set(row):
            raise ValueError(f"{path} line {number}: expected an object with the keys {sorted(required)}")
        rows.append((number, {key: "" if value is None else str(value) for key, value in row.items()}))
    return rows


def number(row: Mapping[str, str], column: str, place: str) -> float:
    """A cell as a finite number.

    Args:
        place: file and line, for who has to mend it.

    Raises:
        ValueError: it is none.
    """
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{place}: {column} {row[column]!r} is no number; the table is not as published")
    return value


def is_utf8(text: str) -> bool:
    """Whether text read by `read_csv` was valid UTF-8."""
    return re.search("[\ud800-\udfff]", text) is None


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; --source names the folder or table described by --help")
    return path.read_bytes()


def _by_column(columns: list[str], cells: list[str]) -> dict[str, str]:
    padded = cells + [""] * (len(columns) - len(cells))
    row = dict(zip(columns, (cell.strip() for cell in padded), strict=False))
    return row | {"": " ".join(cells[len(columns) :])}
