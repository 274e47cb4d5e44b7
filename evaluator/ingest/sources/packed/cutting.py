"""The beginning of a file, cut anywhere: what can be read of it are its whole lines."""

import codecs
from pathlib import Path

from modelbus.evaluator.ingest.faults import refused
from modelbus.evaluator.ingest.sources.formats import charset_encoding
from modelbus.evaluator.ingest.sources.packed.compressions import compression_of
from modelbus.evaluator.ingest.sources.text_stream import agreed_encoding
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.contracts.commands.datasets import is_read_whole


def cut_last_line(path: Path, options: ParseOptions, media_type: str | None) -> None:
    """Take the last, cut line off a file that holds the beginning of a text; a single line stays.

    A compressed file stays as it is.

    Args:
        path: The file.
        options: How to read it.
        media_type: The media type that the sender declared; its charset holds where the options name no encoding.

    Raises:
        MalformedTable: It is the beginning of a file that is read as a whole, or the charset is not supported.
    """
    with path.open("rb") as file:
        if compression_of(file) is not None:
            return  # its text is cut when it is unpacked
    data = path.read_bytes()
    if is_read_whole(data):
        problem = "the file is the beginning of a Parquet, Arrow or ORC file or a workbook, which is read as a whole"
        raise refused(problem, "the whole file")
    given = options.encoding or charset_encoding(media_type)
    path.write_bytes(whole_lines(data, agreed_encoding(data, given)))


def whole_lines(data: bytes, encoding: str | None) -> bytes:
    """The text up to the end of its last whole line."""
    if not (encoding or "").startswith("utf-16"):
        cut = max(data.rfind(b"\n"), data.rfind(b"\r"))
        return data[: cut + 1] if cut >= 0 else data
    is_big_endian = encoding == "utf-16-be" or data.startswith(codecs.BOM_UTF16_BE)
    end = "\n".encode("utf-16-be" if is_big_endian else "utf-16-le")
    cut = data.rfind(end)
    while cut > 0 and cut % 2:
        cut = data.rfind(end, 0, cut + 1)
    return data[: cut + 2] if cut >= 0 else data[: len(data) // 2 * 2]
