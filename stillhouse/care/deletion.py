"""Deletes what a store does not need; safe beside runs, and at an interrupt the next clean-up goes on."""

import time
from collections.abc import Callable

from stillhouse.artifacts.files import FileStore
from stillhouse.artifacts.lease import cleaning
from stillhouse.care.inventory import Item, take_stock
from stillhouse.care.needs import Choice, Rules, choose


def survey(store: FileStore, rules: Rules) -> Choice:
    """Return what would go and what would stay, and change nothing.

    Raises:
        StoreError: the store can't be read.
    """
    return choose(take_stock(store, time.time()), rules)


def clean(store: FileStore, rules: Rules, on_deleted: Callable[[Item], None] = lambda _: None) -> Choice:
    """Delete what is not needed, and return what went and what stayed.

    What names a thing goes before it: Prefect's result, then the record, then the files; a run before its artifacts.

    Raises:
        StoreError: another clean-up is under way, or the store can't be read or written; what went is named nowhere.
    """
    with cleaning(store) as sign:
        # after the sign: a run that this does not see yet waits until the end
        choice = choose(take_stock(store, sign.now), rules)
        for item in choice.going:
            for key in item.keys:
                # file by file: the sign must not grow old within a large folder
                for file in [*store.list(key), key]:
                    sign.write()
                    store.delete(file)
            if item.name.startswith("artifacts/"):
                store.prune(item.name)
            on_deleted(item)
    return choice
