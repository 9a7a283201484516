"""The parts in which a file is uploaded and downloaded.

S3's limits: at most 10,000 parts an upload, each of 5 MiB to 5 GiB, and 5 TiB an object.
"""

MIB = 2**20
SMALLEST_PART = 8 * MIB
_MAX_PARTS = 10_000
_AT_ONCE = 4
_HELD_BYTES = 64 * MIB  # of parts in memory at once; a single larger part is allowed


def part_bytes(size_bytes: int) -> int:
    """Return the bytes of each part but the last: 8 MiB, or the least whole MiB that keeps within 10,000 parts."""
    least = -(-size_bytes // _MAX_PARTS)
    return max(SMALLEST_PART, -(-least // MIB) * MIB)


def parts_at_once(part: int) -> int:
    """Return how many parts are in flight at once: four, or fewer if they are too large for memory."""
    return max(1, min(_AT_ONCE, _HELD_BYTES // part))


def ranges(size_bytes: int) -> list[tuple[int, int]]:
    """Return the (start, end) of every part of a file, the end excluded; none for an empty file."""
    part = part_bytes(size_bytes)
    return [(start, min(start + part, size_bytes)) for start in range(0, size_bytes, part)]
