import pytest
from frame_check import BadFrame, decode, decode_all, encode


def test_encode():
    assert encode(b"\x01\x10") == ":020110ED"
    assert encode(b"") == ":0000"


def test_too_long():
    with pytest.raises(ValueError):
        encode(bytes(256))


def test_decode():
    assert decode(":020110ED") == b"\x01\x10"
    assert decode(":0000") == b""


def test_any_byte():
    data = bytes(range(200))
    assert decode(encode(data)) == data


def test_damaged():
    with pytest.raises(BadFrame, match="sum"):
        decode(":020111ED")
    with pytest.raises(BadFrame, match="length"):
        decode(":030110EC")
    with pytest.raises(BadFrame, match="not a frame"):
        decode("020110ED")
    with pytest.raises(BadFrame, match="hexadecimal"):
        decode(":0201XXED")


def test_decode_all():
    assert decode_all(":020110ED :020111ED\n:0000") == ([b"\x01\x10", b""], 1)
