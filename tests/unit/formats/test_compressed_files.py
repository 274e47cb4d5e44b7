"""Compressed files: each is read as what is in it or refused in one sentence, and unpacked within limits."""

import bz2
import contextlib
import gzip
import io
import lzma
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from modelbus.evaluator.ingest import Limits, cut_last_line
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.errors import LimitExceeded, MalformedTable
from tests.unit.ingesting import LIMITS, ingested, types
from tests.unit.workbooks import archive, xlsx

CSV = b"a,b\n1,x\n2,y\n"
MORE = b"3,z\n"
WHOLE = {"a": [1, 2], "b": ["x", "y"]}
LONGER = {"a": [1, 2, 3], "b": ["x", "y", "z"]}
TWICE = b"".join(b"%d,x%d\n" % (number, number % 7) for number in range(150_000))


def zstd(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content))


def zipped(content: bytes) -> bytes:
    return archive({"table.csv": content})


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
    "zip": zipped,
}
STREAMS = [name for name in PACK if name != "zip"]


@pytest.mark.parametrize("name", PACK)
@pytest.mark.parametrize("file_name", [None, "table.csv.gz", "table.csv"])
def test_a_compressed_file_is_found_by_its_bytes_whatever_it_is_called(
    tmp_path: Path, name: str, file_name: str | None
) -> None:
    packed = PACK[name](CSV)

    table, frame = ingested(tmp_path, packed, file_name=file_name)

    assert frame == WHOLE
    assert (table.format, table.compression, table.source_size_bytes) == ("csv", name, len(packed))
    assert [path.name for path in tmp_path.iterdir()] == ["table.parquet"]


@pytest.mark.parametrize("name", PACK)
@pytest.mark.parametrize("inner", ["tsv", "jsonl", "parquet", "arrow", "xlsx"])
def test_any_format_may_be_compressed(tmp_path: Path, name: str, inner: str) -> None:
    files = {
        "tsv": b"a\tb\n1\tx\n2\ty\n",
        "jsonl": b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n',
        "parquet": _written(inner),
        "arrow": _written(inner),
        "xlsx": xlsx({"Data": [["a", "b"], [1, "x"], [2, "y"]]}),
    }
    packed = archive({f"t.{inner}": files[inner]}) if name == "zip" else PACK[name](files[inner])

    table, frame = ingested(tmp_path, packed, file_name=f"t.{inner}.packed" if inner == "jsonl" else f"t.{inner}.gz")

    assert (frame, table.format, table.compression) == (WHOLE, inner, name)


def _written(kind: str) -> bytes:
    import pyarrow.parquet as pq

    source = pa.table(WHOLE)
    sink = io.BytesIO()
    if kind == "parquet":
        pq.write_table(source, sink)
    else:
        with pa.ipc.new_file(sink, source.schema) as writer:
            writer.write_table(source)
    return sink.getvalue()


@pytest.mark.parametrize("name", STREAMS)
def test_streams_one_behind_the_other_are_one_file(tmp_path: Path, name: str) -> None:
    assert ingested(tmp_path, PACK[name](CSV) + PACK[name](MORE))[1] == LONGER


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_zeros_behind_a_stream_are_padding(tmp_path: Path, name: str) -> None:
    assert ingested(tmp_path, PACK[name](CSV) + bytes(1024))[1] == WHOLE
    assert ingested(tmp_path, PACK[name](CSV) + bytes(4) + PACK[name](MORE))[1] == LONGER


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("garbage", [b"x", b"garbage", CSV * 100])
def test_what_follows_a_stream_and_is_none_is_refused(tmp_path: Path, name: str, garbage: bytes) -> None:
    with pytest.raises(MalformedTable, match=rf"{name} stream (is followed by bytes that are not {name}|ends early)"):
        ingested(tmp_path, PACK[name](CSV) + garbage)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", PACK)
@pytest.mark.parametrize("cut", [1, 3, 9])
def test_a_cut_file_is_refused(tmp_path: Path, name: str, cut: int) -> None:
    expected = "damaged or incomplete" if name == "zip" else f"the {name} stream ends early; expected the whole file"
    with pytest.raises(MalformedTable, match=expected):
        ingested(tmp_path, PACK[name](CSV)[:-cut])


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zip"])
def test_a_damaged_file_is_refused_and_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    packed = bytearray(PACK[name](TWICE))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(MalformedTable, match="damaged"):
        ingested(tmp_path, bytes(packed))
    assert list(tmp_path.iterdir()) == []


def test_random_damage_is_refused_or_read_and_nothing_else(tmp_path: Path) -> None:
    chance = random.Random(7)
    for name in PACK:
        for _ in range(25):
            packed = bytearray(PACK[name](CSV * 40))
            packed[chance.randrange(len(packed))] = chance.randrange(256)
            with contextlib.suppress(MalformedTable):
                ingested(tmp_path, bytes(packed[: chance.randrange(1, len(packed) + 1)]))
            (tmp_path / "table.parquet").unlink(missing_ok=True)
            assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("outer", PACK)
@pytest.mark.parametrize("inner", PACK)
def test_a_file_that_is_compressed_twice_is_refused(tmp_path: Path, outer: str, inner: str) -> None:
    with pytest.raises(MalformedTable, match=f"compressed twice: {inner} within {outer}; expected one compression"):
        ingested(tmp_path, PACK[outer](PACK[inner](CSV)))


@pytest.mark.parametrize("name", PACK)
def test_no_more_is_unpacked_than_a_file_may_have(tmp_path: Path, name: str) -> None:
    bomb = PACK[name](b"a\n" + bytes(5_000_000).replace(b"\0", b"7"))
    limits = Limits(50, 4096, unpacked_limit_bytes=1_000_000)
    with pytest.raises(LimitExceeded, match="too large when unpacked; expected at most 1000000 bytes"):
        ingested(tmp_path, bomb, limits=limits)
    assert list(tmp_path.iterdir()) == []


def test_a_zip_archive_with_a_size_that_is_a_lie_is_refused(tmp_path: Path) -> None:
    honest = zipped(b"a\n" + b"7" * 100_000)
    lie = honest.replace((100_002).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lie != honest
    with pytest.raises(MalformedTable, match="damaged"):
        ingested(tmp_path, lie)


@pytest.mark.parametrize("name", STREAMS)
def test_an_empty_file_within_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MalformedTable, match="holds an empty file"):
        ingested(tmp_path, PACK[name](b""))


ARCHIVES: dict[str, tuple[dict[str, bytes], str]] = {
    "several files": ({"a.csv": CSV, "b/c.csv": CSV}, r"has 2 files \('a.csv', 'b/c.csv'\); expected exactly one file"),
    "many files": ({f"{n}.csv": CSV for n in range(9)}, r"has 9 files \('0.csv', .*'4.csv' and 4 more\)"),
    "no file": ({}, "has no file; expected exactly one file"),
    "a folder": ({"folder/": b""}, "has no file"),
    "a Word document": ({"[Content_Types].xml": b"", "word/document.xml": b""}, "a Word document"),
    "a binary workbook": ({"[Content_Types].xml": b"", "xl/workbook.bin": b""}, r"binary Excel workbook \(.xlsb\)"),
    "an OpenDocument text": ({"mimetype": b"application/vnd.oasis.opendocument.text"}, "OpenDocument file of another"),
}


@pytest.mark.parametrize(("files", "problem"), ARCHIVES.values(), ids=ARCHIVES.keys())
def test_a_zip_archive_has_exactly_one_file(tmp_path: Path, files: dict[str, bytes], problem: str) -> None:
    with pytest.raises(MalformedTable, match=problem):
        ingested(tmp_path, archive(files))


def test_what_macos_and_windows_put_into_archives_is_no_file(tmp_path: Path) -> None:
    packed = archive({"data/": b"", "data/t.tsv": b"a\tb\n1\tx, y\n", "__MACOSX/data/._t.tsv": b"x", "Thumbs.db": b"x"})
    table, frame = ingested(tmp_path, packed, file_name="upload.zip")
    assert (table.format, frame) == ("tsv", {"a": [1], "b": ["x, y"]})


def test_an_encrypted_zip_archive_is_refused(tmp_path: Path) -> None:
    packed = bytearray(zipped(CSV))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + offset] |= 1
    with pytest.raises(MalformedTable, match=r"'table\.csv' is encrypted; expected an archive without a password"):
        ingested(tmp_path, bytes(packed))


def test_a_zip_archive_of_another_method_is_refused(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("t.csv", CSV)
    with pytest.raises(MalformedTable, match="compressed with LZMA; expected deflate"):
        ingested(tmp_path, sink.getvalue())


def test_two_zip_archives_in_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable, match="begins in the middle of the file"):
        ingested(tmp_path, zipped(CSV) + zipped(MORE))


@pytest.mark.parametrize(
    "content", [b"BZh,b\n1,2\n", b"PK,b\n1,2\n", b"P*M,b\n1,2\n", b"ORC,b\n1,2\n", b"7z,b\n1,2\n", b"Rar,b\n1,2\n"]
)
def test_text_that_begins_as_a_format_does_is_text(tmp_path: Path, content: bytes) -> None:
    table, _ = ingested(tmp_path, content)
    assert (table.format, table.compression, table.row_count) == ("csv", None, 1)


def test_a_name_that_is_wrong_about_compression_is_a_hint_only(tmp_path: Path) -> None:
    table, frame = ingested(tmp_path, b"a\tb\n1\tx, y\n", file_name="t.tsv.gz")
    assert (table.format, table.compression, frame["b"]) == ("tsv", None, ["x, y"])


@pytest.mark.parametrize("name", STREAMS)
def test_the_beginning_of_a_compressed_file_is_previewed(tmp_path: Path, name: str) -> None:
    content = b"a,b\n" + TWICE
    packed = PACK[name](content)
    path = tmp_path / "source"
    path.write_bytes(packed[: len(packed) * 3 // 4])
    cut_last_line(path, ParseOptions(), None)
    cut = path.read_bytes()
    assert cut == packed[: len(packed) * 3 // 4]

    table, frame = ingested(tmp_path, cut, is_preview=True, is_truncated=True)

    assert table.is_truncated
    assert types(table) == {"a": "integer", "b": "text"}
    assert frame["a"] == list(range(table.row_count))
    assert 0 < table.row_count < 150_000


@pytest.mark.parametrize("name", PACK)
def test_a_preview_unpacks_the_beginning_only(tmp_path: Path, name: str) -> None:
    packed = PACK[name](b"a,b\n" + TWICE)
    table, frame = ingested(tmp_path, packed, is_preview=True, head_bytes=10_000)
    assert table.is_truncated
    assert frame["a"] == list(range(table.row_count))
    assert table.row_count < 149_000


@pytest.mark.parametrize("name", PACK)
def test_a_small_compressed_file_is_previewed_whole(tmp_path: Path, name: str) -> None:
    table, frame = ingested(tmp_path, PACK[name](CSV), is_preview=True, head_bytes=10_000)
    assert (table.is_truncated, frame) == (False, WHOLE)


def test_the_beginning_of_a_compressed_parquet_file_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(_written("parquet"), 0)
    with pytest.raises(MalformedTable, match="which is read as a whole"):
        ingested(tmp_path, packed[: len(packed) // 2], is_preview=True, is_truncated=True)


def test_options_hold_for_what_is_within(tmp_path: Path) -> None:
    options = ParseOptions.model_validate({"delimiter": "|", "encoding": "cp1252"})
    packed = gzip.compress("a|b\n1|ä\n".encode("cp1252"))
    given: dict[str, Any] = {"options": options}
    assert ingested(tmp_path, packed, **given)[1] == {"a": [1], "b": ["ä"]}


def test_lines_of_faults_are_those_of_the_unpacked_text(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable, match="line 3: 3 fields; expected 2 fields"):
        ingested(tmp_path, gzip.compress(b"a,b\n1,2\n1,2,3\n"), limits=LIMITS)
