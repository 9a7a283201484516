import pytest

from stillhouse.artifacts.s3.multipart import MIB, part_bytes, parts_at_once, ranges

GIB, TIB = 2**30, 2**40


@pytest.mark.parametrize(
    ("size", "part"),
    [
        (0, 8 * MIB),
        (1, 8 * MIB),
        (5 * GIB, 8 * MIB),
        (10_000 * 8 * MIB, 8 * MIB),  # the last size that 8 MiB serve
        (10_000 * 8 * MIB + 1, 9 * MIB),
        (100 * GIB, 11 * MIB),
        (5 * TIB, 525 * MIB),
    ],
)
def test_part_bytes_any_size_fits_s3s_limits(size: int, part: int) -> None:
    assert part_bytes(size) == part
    assert -(-size // part) <= 10_000
    assert 5 * MIB <= part <= 5 * GIB


@pytest.mark.parametrize(("size", "at_once"), [(5 * GIB, 4), (100 * GIB, 4), (1 * TIB, 1), (5 * TIB, 1)])
def test_parts_at_once_large_file_holds_one_part_or_64_mib(size: int, at_once: int) -> None:
    part = part_bytes(size)
    assert parts_at_once(part) == at_once
    assert parts_at_once(part) * part <= max(part, 64 * MIB)


@pytest.mark.parametrize("size", [0, 1, 8 * MIB, 8 * MIB + 1, 5 * GIB, 100 * GIB, 5 * TIB])
def test_ranges_cover_every_byte_once(size: int) -> None:
    found = ranges(size)
    assert sum(end - start for start, end in found) == size
    assert [start for start, _ in found] == [0, *(end for _, end in found)][: len(found)]
    assert all(start < end for start, end in found)
