from stillhouse.data.summaries import BalanceSummary, ReadSummary, SplitSummary, ValidateSummary
from stillhouse.dataset.summary import FilterSummary, WrittenRows
from stillhouse.reports.collect import data_block


def read_summary(**ignored: int) -> ReadSummary:
    return ReadSummary(read=2, rows=2, quarantined={}, ignored_turn_keys=ignored)


def test_data_block_adds_up_ignored_keys_of_turns_over_sources() -> None:
    counts = {"by": "none", "before": {"all": 2}, "after": {"all": 2}}
    block = data_block(
        {"train": read_summary(mood=1, score=2), "test": read_summary(mood=3)},
        ValidateSummary(num_in=4, kept={"train": 2, "test": 2}, dropped={}, labels=()),
        SplitSummary(num_in=4, train=2, validation=0, test=2, examples=0, dropped={}),
        BalanceSummary(**counts),
        FilterSummary(num_in=2, kept=2, dropped={}, rows=WrittenRows(train=2, validation=0, labelled=0)),
    )
    assert list(block["ignored_turn_keys"].items()) == [("mood", 4), ("score", 2)]


def test_data_block_says_which_validation_rows_have_labels_of_their_own() -> None:
    for own in (False, True):
        sources = {"train": read_summary()} | ({"validation": read_summary()} if own else {})
        block = data_block(
            sources,
            ValidateSummary(num_in=4, kept={}, dropped={}, labels=()),
            SplitSummary(num_in=4, train=2, validation=2, test=0, examples=0, dropped={}),
            BalanceSummary(by="none", before={}, after={}),
            FilterSummary(num_in=2, kept=2, dropped={}, rows=WrittenRows(train=2, validation=2, labelled=0)),
        )
        assert (block["validation"], block["validation_own"]) == (2, 2 if own else 0)
