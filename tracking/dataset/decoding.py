"""Bytes of an unknown file to UTF-8 text, or a sentence that says what the file is instead."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from typing import Final

from tracking.errors import DatasetError

# What people upload by mistake, by the bytes such a file begins with.
_OTHER_FORMATS: Final = (
    (b"PK\x03\x04", "an Excel file (.xlsx); open it and save it as 'CSV UTF-8'"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls); open it and save it as 'CSV UTF-8'"),
    (b"%PDF", "a PDF; export the table as CSV"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"PAR1", "a Parquet file; export it as CSV"),
)
_EVIDENCE: Final = 4096  # bytes looked at to recognise UTF-16 that has no byte order mark


def as_utf8(data: bytes, name: str) -> bytes:
    """`data` as UTF-8 without a byte order mark.

    UTF-8 and UTF-16 are recognised by their mark or by being valid; anything else is tried as
    Windows-1252, whose printable part contains Latin-1.

    Raises:
        DatasetError: when it is empty, a known binary format, or no text in any of these encodings.
    """
    for magic, what in _OTHER_FORMATS:
        if data.startswith(magic):
            raise DatasetError(f"{name} isn't a CSV file: it is {what}.")
    text = _text(data, name)
    if not text.strip():
        raise DatasetError(f"{name} is empty. Upload a CSV file with a header row and at least one data row.")
    return text


def _text(data: bytes, name: str) -> bytes:
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return _decoded(data, "utf-16", name)
    if b"\0" in data:
        return _decoded(data, _utf16_without_mark(data, name), name)
    body = data.removeprefix(BOM_UTF8)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(body, "cp1252", name)
    return body


def _utf16_without_mark(data: bytes, name: str) -> str:
    """Western text in UTF-16 has a zero in every second byte, and in hardly any other."""
    head = data[:_EVIDENCE]
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.1 * half:
        return "utf-16-be"
    raise DatasetError(f"{name} isn't a CSV file: it contains binary data. Save the table as 'CSV UTF-8'.")


def _decoded(data: bytes, encoding: str, name: str) -> bytes:
    try:
        return data.decode(encoding).encode("utf-8")
    except UnicodeError as error:
        where = ""
        if isinstance(error, UnicodeDecodeError) and encoding == "cp1252":
            where = f" (byte 0x{data[error.start]:02X} in row {data.count(10, 0, error.start) + 1:,})"
        raise DatasetError(
            f"{name} can't be read as text: it is neither UTF-8 nor UTF-16 nor Windows-1252{where}. "
            "Save it as 'CSV UTF-8'."
        ) from error
