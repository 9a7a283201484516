import random

from stillhouse.runtime.spool import Spool


def test_spool_pieces_are_read_in_any_order_and_between_writes() -> None:
    spool, rng = Spool(), random.Random(0)
    pieces = [rng.randbytes(rng.randrange(40)) for _ in range(500)]
    places = []
    for number, piece in enumerate(pieces):
        places.append(spool.add(piece))
        assert places[rng.randrange(number + 1)].read() in pieces
    order = rng.sample(range(500), 500)
    assert [places[at].read() for at in order] == [pieces[at] for at in order]
    assert sum(place.size for place in places) == sum(map(len, pieces))
