"""In which parts a file travels to and from S3.

Separate because S3's limits are arithmetic: at most 10,000 parts an upload, each of 5 MiB to 5 GiB, 5 TiB an object.
"""

MIB = 2**20
SMALLEST_PART = 8 * MIB
_MAX_PARTS = 10_000
_AT_ONCE = 4
_HELD_BYTES = 64 * MIB  # of parts in memory at once, where more than one fits


def part_bytes(size_bytes: int) -> int:
    """Return the bytes of each part but the last: 8 MiB, or the least whole MiB that keeps within 10,000 parts."""
    least = -(-size_bytes // _MAX_PARTS)
    return max(SMALLEST_PART, -(-least // MIB) * MIB)


def parts_at_once(part: int) -> int:
    """Return how many parts travel at once: four, fewer where they are so large that memory would go to them."""
    return max(1, min(_AT_ONCE, _HELD_BYTES // part))


def ranges(size_bytes: int) -> list[tuple[int, int]]:
    """Return the (start, end) of every part of a file, the end excluded; none for an empty file."""
    part = part_bytes(size_bytes)
    return [(start, min(start + part, size_bytes)) for start in range(0, size_bytes, part)]
