"""What a run requested of a model: one record, added up and read back."""

from stillhouse.costs.generation_summary import GenerationSummary, RedactedPrompts
from stillhouse.costs.usage import Usage

SUMMARY = GenerationSummary(
    requests=40,
    from_store=10,
    generated=30,
    prompt_tokens=900,
    completion_tokens=60,
    engine_start_seconds=2.0,
    seconds=4.0,
    usage=Usage(requests=40, prompt_tokens=1200, completion_tokens=80, seconds=5.0),
)


def test_summary_of_record_with_other_fields_round_trips():
    record = SUMMARY.to_record()
    assert record["bought"]["prompt_tokens"] == 1200
    assert "redacted" not in record
    assert GenerationSummary.model_validate(record) == SUMMARY
    # what a worker noted beside them stays in the record
    assert GenerationSummary.model_validate({**record, "sent": 31}).to_record() == {**record, "sent": 31}


def test_summary_of_cached_generated_nothing():
    cached = SUMMARY.of_cached()
    assert (cached.requests, cached.from_store, cached.usage) == (40, 40, SUMMARY.usage)
    assert (cached.generated, cached.prompt_tokens, cached.completion_tokens, cached.seconds) == (0, 0, 0, 0.0)


def test_summary_sum_has_no_usage():
    total = sum([SUMMARY, GenerationSummary(), SUMMARY], GenerationSummary())
    assert total.counts() == {name: 2 * value for name, value in SUMMARY.counts().items()}
    assert (total.engine_start_seconds, total.usage, total.redacted) == (4.0, None, None)


def test_summary_sum_counts_redacted_prompts_by_mark():
    one = SUMMARY.model_copy(update={"redacted": RedactedPrompts(prompts=3, marks={"<EMAIL>": 2, "<IP>": 1})})
    other = SUMMARY.model_copy(update={"redacted": RedactedPrompts(prompts=1, marks={"<EMAIL>": 1})})
    assert (one + other + SUMMARY).redacted == RedactedPrompts(prompts=4, marks={"<EMAIL>": 3, "<IP>": 1})
