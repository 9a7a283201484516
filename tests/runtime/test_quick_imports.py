import gc

import pytest

from stillhouse.runtime.quick_imports import quick_imports


def test_quick_imports_collects_nothing_inside_and_again_afterwards() -> None:
    gc.unfreeze()
    with quick_imports():
        assert not gc.isenabled()
        kept = [[] for _ in range(1000)]
    assert gc.isenabled()
    # what was there at the end is passed over
    assert gc.get_freeze_count() > len(kept)
    gc.unfreeze()


def test_quick_imports_that_fail_leave_collections_on() -> None:
    with pytest.raises(ImportError), quick_imports():
        raise ImportError("no such module")
    assert gc.isenabled()
    gc.unfreeze()


def test_quick_imports_without_collections_before_leaves_them_off() -> None:
    gc.disable()
    try:
        with quick_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()
