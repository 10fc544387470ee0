"""By what content shows that it is of a format: one cheap look each, without the code that reads the format."""

from __future__ import annotations

from struct import unpack_from

TORCH_NUMBER = bytes.fromhex("6cfc9c46f9206aa85019")
"""PyTorch's magic number, as the first pickle of a file of old has it."""
MAX_HEADER = 100_000_000
"""The longest header of safetensors."""
TAR_BLOCK = 512
LOCAL, CENTRAL, END, LOCATOR64 = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x07"
"""How the records of a zip archive begin."""
_R = (
    b"RDX2\n",
    b"RDX3\n",
    b"RDA2\n",
    b"RDA3\n",
    b"RDB2\n",
    b"RDB3\n",
    b"X\n\0\0\0",
    b"A\n2\n",
    b"A\n3\n",
    b"B\n\2\0\0\0",
    b"B\n\3\0\0\0",
    b"B\n\0\0\0\2",
    b"B\n\0\0\0\3",
)
_ONNX_MARKS = (b"onnx", b"ai.")
_OLD_HEADER = 136
"""Bytes of parameters with which XGBoost's old binary format begins."""


def is_npy(content: bytes) -> bool:
    """Say whether content begins as numpy's files do."""
    return content[:6] == b"\x93NUMPY"


def find_end(content: bytes) -> int:
    """Return where the end record of a zip archive is, as Python's zipfile finds it; -1 if there is none.

    Only an end whose central directory is where it says (or shifted by bytes before the archive) counts.
    """
    size = len(content)
    position = content.rfind(END, max(0, size - 65_557))
    if position < 0 or position + 22 > size:
        return -1
    count, length = unpack_from("<HI", content, position + 10)
    if count == 0 and length == 0:
        return position if content[:4] == END or position == 0 else -1
    if content[max(0, position - 20) : position][:4] == LOCATOR64:
        return position
    begin = position - length
    return position if begin >= 0 and content[begin : begin + 4] == CENTRAL else -1


def is_zip(content: bytes) -> bool:
    """Say whether content begins as a zip archive or can be opened as one from its end."""
    return content[:4] in (LOCAL, END, b"PK\x00\x00", b"PK\x07\x08") or find_end(content) >= 0


def is_tar(content: bytes) -> bool:
    """Say whether the first block is a tar header: its checksum is right and it names something."""
    head = content[:TAR_BLOCK]
    return len(head) == TAR_BLOCK and head[0] != 0 and (head[257:262] == b"ustar" or sound_block(head))


def sound_block(head: bytes) -> bool:
    """Say whether the checksum of a tar header is right."""
    try:
        told = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return told == sum(head[:148]) + sum(head[156:]) + 256


_MOST_SINGLE = 10_000
"""Fields of a model that are to be given once; more of them are not looked through."""


def is_torch_legacy(content: bytes) -> bool:
    """Say whether the first pickle is PyTorch's magic number."""
    return content[:1] == b"\x80" and TORCH_NUMBER in content[:32]


def is_r(content: bytes) -> bool:
    """Say whether content begins as R's files do."""
    return content.startswith(_R)


def is_safetensors(content: bytes) -> bool:
    """Say whether content begins as safetensors do: a sensible length, then a JSON object."""
    return content[8:9] == b"{" and 2 <= int.from_bytes(content[:8], "little") <= MAX_HEADER


def is_onnx(content: bytes) -> bool:
    """Say whether content is a protocol buffer with the fields of an ONNX model."""
    return _onnx(content) > 0


def is_crowded_onnx(content: bytes) -> bool:
    """Say whether content is that, and gives the few things that a model has only once thousands of times."""
    return _onnx(content) > 1


def _onnx(content: bytes) -> int:
    from modelward.artifacts.readers import _onnx_fields as known
    from modelward.artifacts.readers._notes import BrokenError
    from modelward.artifacts.readers._protobuf import fields

    first = content[0] if content else 0
    if first < 128 and (first >> 3 not in known.MODEL or first & 7 != (0 if first >> 3 in (1, 5) else 2)):
        return 0
    seen: set[int] = set()
    left = _MOST_SINGLE
    try:
        for number, kind, _ in fields(content, 0, len(content)):
            if number not in known.MODEL or kind != (0 if number in (1, 5) else 2):
                return 7 in seen and 1 in seen
            seen.add(number)
            if len(seen) > 2 and 7 in seen and 1 in seen:
                return 1
            left -= number < 8
            if left < 0:
                return 2
    except BrokenError:
        head = content[:4096]
        return content[:1] == b"\x08" and any(mark in head for mark in _ONNX_MARKS)
    return 7 in seen and (1 in seen or 8 in seen)


def is_xgboost_json(content: bytes) -> bool:
    """Say whether content is a JSON object that names what an XGBoost model has."""
    head = content[:64].lstrip()
    return head[:1] == b"{" and head[1:].lstrip()[:1] == b'"' and _names_model(content)


def is_xgboost_ubj(content: bytes) -> bool:
    """Say whether content is a UBJSON object that names what an XGBoost model has."""
    return content[:1] == b"{" and content[1:2] in b"iUIlL#$" and _names_model(content)


def _names_model(content: bytes) -> bool:
    return b"learner" in content and b"gradient_booster" in content


def is_xgboost_old(content: bytes) -> bool:
    """Say whether content is of the binary format that XGBoost gave up."""
    if content[:4] == b"binf":
        return True
    name = content[_OLD_HEADER : _OLD_HEADER + 200]
    length = int.from_bytes(name[:8], "little")
    booster = name[8 + length : 24 + length]
    return (3 <= length <= 64 and booster[8:] in (b"gbtree\x00\x00", b"gblinear")) or booster[8:12] == b"dart"


def is_lightgbm(content: bytes) -> bool:
    """Say whether content begins as LightGBM's text does."""
    return content.startswith((b"tree\nversion=", b"tree\r\nversion=", b"tree\nnum_class="))


def is_catboost(content: bytes) -> bool:
    """Say whether content begins as CatBoost's models do."""
    return content[:4] == b"CBM1"
