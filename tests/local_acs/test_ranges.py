"""Which bytes a Range header asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_acs.ranges import ByteRange, Unsatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-9", ByteRange(0, 9)),
        ("bytes=5-14", ByteRange(5, 14)),
        ("bytes=5-", ByteRange(5, 99)),
        ("bytes=90-500", ByteRange(90, 99)),
        ("bytes=-10", ByteRange(90, 99)),
        ("bytes=-500", ByteRange(0, 99)),
        ("bytes=0-0", ByteRange(0, 0)),
        ("Bytes= 1-2 ", ByteRange(1, 2)),
    ],
)
def test_one_well_formed_range_is_understood(header: str, expected: ByteRange) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes=None", "bytes=5", "bytes=undefined", "bytes=-", "bytes=9-5", "bytes=0-1,5-6", "lines=1-2",
     "bytes=٣-٤", f"bytes={'9' * 19}-"],
)  # fmt: skip
def test_anything_else_means_the_whole_file(header: str | None) -> None:
    assert parse_range(header, 100) is None


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0)])
def test_a_range_behind_the_end_cannot_be_satisfied(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(header, size)


@given(st.text(alphabet="bytes=-0123456789, ", max_size=30), st.integers(0, 1000))
def test_a_range_never_leaves_the_file(header: str, size: int) -> None:
    try:
        found = parse_range(header, size)
    except Unsatisfiable:
        return
    assert found is None or 0 <= found.first <= found.last < size
