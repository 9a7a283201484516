import contextlib
import gc

from stillhouse.runtime.collection import no_collection


def test_no_collection_pauses_the_search_and_goes_on_with_it_even_after_an_error() -> None:
    seen = []
    with contextlib.suppress(ValueError), no_collection():
        seen.append(gc.isenabled())
        raise ValueError
    assert [*seen, gc.isenabled()] == [False, True]


def test_no_collection_leaves_a_search_off_that_was_off() -> None:
    gc.disable()
    try:
        with no_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
