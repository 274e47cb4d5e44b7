"""Large values in documents are stored as compressed JSON and unpacked wherever a document is read.

BSON repeats a key for every element of an array and for every field of an object: 2 MB of rows as JSON can be more than
the 16 MB that MongoDB allows a document. Whoever reads a packed value gets what was packed: the codec is a part of the
connection, so no reader can forget it.
"""

import zlib
from typing import Any, Final

import orjson
from bson.binary import USER_DEFINED_SUBTYPE, Binary
from bson.codec_options import TypeDecoder, TypeRegistry

from modelbus.shared.store.operation import Document

PACKED_FROM_BYTES: Final = 64 * 1024
"""A value that is smaller as JSON stays as it is, so that people who look into the database can read it."""


def packed(document: Document) -> Document:
    """The document with its large values packed, each as a whole.

    Args:
        document: A document of JSON values. What queries find by a path, such as ``spec.dataset``, must be small.
    """
    return {name: _packed_value(value) for name, value in document.items()}


def _packed_value(value: Any) -> Any:
    if not isinstance(value, (dict, list, str)):
        return value
    text = orjson.dumps(value)
    if len(text) < PACKED_FROM_BYTES:
        return value
    return Binary(zlib.compress(text, 1), USER_DEFINED_SUBTYPE)


class _Unpacking(TypeDecoder):
    """Files and their chunks have another subtype, which is read as plain ``bytes`` and never gets here."""

    bson_type = Binary

    def transform_bson(self, value: Any) -> Any:
        """Unpack a packed value; any other binary value is returned as it is."""
        return orjson.loads(zlib.decompress(value)) if value.subtype == USER_DEFINED_SUBTYPE else value


UNPACKING: Final = TypeRegistry([_Unpacking()])
"""The codec options of a connection."""
