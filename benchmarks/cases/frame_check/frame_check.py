"""Frames of a serial line: ":" length data sum, all as hexadecimal bytes; the sum brings all to 0 mod 256."""

from __future__ import annotations


class BadFrame(ValueError):
    pass


def encode(data: bytes) -> str:
    if len(data) > 255:
        raise ValueError("too long for a frame")
    body = bytes([len(data), *data])
    return ":" + body.hex().upper() + f"{-sum(body) % 256:02X}"


def decode(frame: str) -> bytes:
    """The data of a frame; raises BadFrame when it was damaged on its way."""
    if not frame.startswith(":") or len(frame) % 2 == 0:
        raise BadFrame("not a frame")
    try:
        values = [int(frame[i : i + 2], 16) for i in range(1, len(frame), 2)]
    except ValueError as error:
        raise BadFrame("not hexadecimal") from error
    if sum(values) % 256 != 0:
        raise BadFrame("wrong sum")
    length, *data, _ = values
    if length != len(data):
        raise BadFrame("wrong length")
    return bytes(data)


def decode_all(text: str) -> tuple[list[bytes], int]:
    """What came through, and how many frames did not."""
    good: list[bytes] = []
    bad = 0
    for line in text.split():
        try:
            good.append(decode(line))
        except BadFrame:
            bad += 1
    return good, bad
