"""Reads an export line by line, however large it is: what kind it is, and what its lines say.

CSV (also with tabs or semicolons, as spreadsheets write it) and JSON (one document, or one a line), in UTF-8
or UTF-16, plain or compressed with gzip. Nothing in a file is ever evaluated.
"""

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import IO, Any, TextIO, cast

from sekisho.control.exports import anthropic, aws, google, openai
from sekisho.control.exports.entry import Cells, Entry, ExportError, Format, Row, Skipped

FORMATS: tuple[Format, ...] = (*openai.FORMATS, *anthropic.FORMATS, *aws.FORMATS, *google.FORMATS)
LONGEST_LINE = 1 << 20
"""Characters of a line of CSV."""
LARGEST_DOCUMENT = 64 << 20
"""Characters of a JSON document: a page of an API has a few hundred lines."""
DEEPEST = 3
"""Levels of objects within a line."""
_GZIP = b"\x1f\x8b"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLANK = re.compile(r"\s*")
_decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=str)
_NO_NAME = re.compile(r"[^a-z0-9$]+")


class Export:
    """An open file. Iterated once, over what its lines say and where they stand; raises ExportError."""

    def __init__(self, file: TextIO, wanted: str | None):
        self._rows = _rows(file)
        first = next(self._rows, None)
        if first is None:
            raise ExportError("the file has no lines")
        self._first = first
        self.format = _format(first[1], wanted)

    def __iter__(self) -> Iterator[Entry | Skipped]:
        for place, row in chain((self._first,), self._rows):
            missing = self.format.needs - row.keys()
            if missing:
                raise ExportError(f"has no {min(missing)}, as exports of {self.format.name} do", place)
            found = self.format.read(Cells(row, place))
            if found is not None:
                yield found


@contextmanager
def open_export(path: Path, wanted: str | None = None) -> Iterator[Export]:
    """`wanted`: the name of a format, or the beginning of one; else the file says. Raises ExportError, and
    OSError."""
    with path.open("rb") as raw:
        head = raw.read(2)
        raw.seek(0)
        plain = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if head == _GZIP else raw
        try:
            with io.TextIOWrapper(plain, encoding=_encoding(plain), newline="") as text:
                yield Export(text, wanted)
        except UnicodeDecodeError as error:
            raise ExportError(f"is neither UTF-8 nor UTF-16 text ({error.reason})", path.name) from None
        except (gzip.BadGzipFile, zlib.error, EOFError):
            raise ExportError("is cut off, or no whole gzip file", path.name) from None


def _encoding(file: IO[bytes]) -> str:
    head = file.read(4)
    file.seek(0)
    if head.startswith(b"PAR1"):
        raise ExportError("is Parquet: export CSV, or convert it")
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    return "utf-8"


def _format(row: Row, wanted: str | None) -> Format:
    asked = [each for each in FORMATS if wanted is None or each.name.startswith(wanted)]
    fits = [each for each in asked if each.needs <= row.keys()]
    if fits:
        return max(fits, key=lambda each: len(each.needs))
    columns = ", ".join(sorted(row))[:300]
    known = "; ".join(f"{each.name}: {', '.join(sorted(each.needs))}" for each in asked)
    raise ExportError(f"has the columns {columns}, which are those of no export that is known ({known})")


# --- lines ----------------------------------------------------------------------------------------


def _rows(file: TextIO) -> Iterator[tuple[str, Row]]:
    """(place, line)"""
    first = next((each for each in _lines(file, LARGEST_DOCUMENT) if each[1].strip()), None)
    if first is None:
        return iter(())
    if first[1].lstrip()[:1] in ("{", "["):
        return _json_rows(*first, file)
    return _csv_rows(*first, file)


def _lines(file: TextIO, longest: int, number: int = 0) -> Iterator[tuple[int, str]]:
    """`number`: of the last line that was read already."""
    while line := file.readline(longest + 1):
        number += 1
        if len(line) > longest:
            raise ExportError("is longer than any line of an export", f"line {number}")
        yield number, line


def _name(column: str) -> str:
    return _NO_NAME.sub("_", column.strip().lower()).strip("_")


def _csv_rows(number: int, header: str, file: TextIO) -> Iterator[tuple[str, Row]]:
    delimiter = max(",;\t", key=header.count)
    following = (line for _, line in _lines(file, LONGEST_LINE, number))
    reader = csv.reader(chain((header,), following), delimiter=delimiter, strict=True)
    try:
        columns = [_name(column) for column in next(reader)]
        for cells in reader:
            place = f"line {number + reader.line_num - 1}"
            if not any(cells):
                continue
            if len(cells) != len(columns):
                raise ExportError(f"has {len(cells)} cells, and the first line {len(columns)}", place)
            yield place, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise ExportError(f"is no CSV: {error}", f"line {number + reader.line_num - 1}") from None


def _json_rows(number: int, first: str, file: TextIO) -> Iterator[tuple[str, Row]]:
    for place, document in _documents(number, first, file):
        found = document if isinstance(document, list) else [document]
        for at, each in enumerate(found):
            yield from _objects(each, place if len(found) == 1 else f"{place}, entry {at + 1}")


def _documents(number: int, first: str, file: TextIO) -> Iterator[tuple[str, Any]]:
    """One a line, or one after the other over many lines."""
    try:
        yield f"line {number}", _decoder.decode(first)
    except (ValueError, RecursionError):
        yield from _spread_documents(first + file.read(LARGEST_DOCUMENT))
        return
    for at, line in _lines(file, LARGEST_DOCUMENT, number):
        if line.strip():
            try:
                yield f"line {at}", _decoder.decode(line)
            except (ValueError, RecursionError):
                raise ExportError("is no JSON document", f"line {at}") from None


def _spread_documents(text: str) -> Iterator[tuple[str, Any]]:
    at, number = 0, 0
    if len(text) > LARGEST_DOCUMENT:
        raise ExportError("is a JSON document too long to be read: write one object a line")
    while rest := _BLANK.match(text, at):
        at, number = rest.end(), number + 1
        if at == len(text):
            return
        try:
            document, at = _decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is too deep"
            line = text.count("\n", 0, getattr(error, "pos", at)) + 1
            raise ExportError(f"is no JSON: {reason}", f"line {line}") from None
        yield f"document {number}", document


def _objects(document: Any, place: str) -> Iterator[tuple[str, Row]]:
    """An object is a line of its own, or a page of an API: buckets in `data`, lines in their `results`."""
    if not isinstance(document, dict):
        raise ExportError("is no JSON object", place)
    if "data" not in document and "results" not in document:
        yield place, _flat(document)
        return
    buckets = document.get("data", [document])
    for at, bucket in enumerate(buckets if isinstance(buckets, list) else [None]):
        here = f"{place}, bucket {at + 1}"
        results = bucket.get("results") if isinstance(bucket, dict) else None
        if not isinstance(results, list):
            raise ExportError("is no bucket with `results`", here)
        times = {name: value for name, value in bucket.items() if name != "results"}
        for number, result in enumerate(results):
            if not isinstance(result, dict):
                raise ExportError("is no JSON object", f"{here}, result {number + 1}")
            yield f"{here}, result {number + 1}", _flat({**times, **result})


def _flat(members: Mapping[str, Any], before: str = "", depth: int = 0) -> dict[str, Any]:
    """Members of members have both names joined, as they have in CSV."""
    found: dict[str, Any] = {}
    for name, value in members.items():
        here = f"{before}{_name(name)}"
        if isinstance(value, dict) and depth < DEEPEST:
            found |= _flat(value, f"{here}_", depth + 1)
        else:
            found[here] = value
    return found
