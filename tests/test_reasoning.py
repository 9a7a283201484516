import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.reasoning import Split, opened_block, shows_marks, split_reasoning
from stillhouse.skills.spoken_calls import answer_with_calls

THOUGHT = "The user wants the capital.\nIt is Paris."


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<think>\n", "\n</think>\n\n"),
        ("<think>", "</think>"),
        ("\n<Think>\n", "\n</Think>\n"),
        ("<thinking>\n", "\n</thinking>\n\n"),
        ("<thought>\n", "\n</thought>\n"),
        ("<reasoning>\n", "\n</reasoning>\n"),
        ("<seed:think>", "</seed:think>"),
        ("[THINK]", "[/THINK]"),
        ("<|channel>thought\n", "\n<channel|>"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("◁think▷", "◁/think▷"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("analysis", "assistantfinal"),
    ],
)
def test_split_reasoning_each_family_s_marks_part_answer_and_reasoning(opening, closing):
    assert split_reasoning(f"{opening}{THOUGHT}{closing}Paris") == Split("Paris", THOUGHT)


@pytest.mark.parametrize("end", ["\n</think>\n\n", "</think>", "[/THINK]"])
def test_split_reasoning_closing_mark_alone_ends_a_block_that_the_template_opened(end):
    assert split_reasoning(f"{THOUGHT}{end}Paris") == Split("Paris", THOUGHT)


@pytest.mark.parametrize("text", ["<think>\n\n</think>\n\nParis", "</think>\n\nParis", "<think></think>Paris"])
def test_split_reasoning_empty_block_is_no_reasoning(text):
    assert split_reasoning(text) == Split("Paris", "")


@pytest.mark.parametrize(
    "text",
    [f"<think>\n{THOUGHT}", f"[THINK]{THOUGHT}", f"<|channel|>analysis<|message|>{THOUGHT}"],
)
def test_split_reasoning_block_that_never_closes_leaves_no_answer(text):
    assert split_reasoning(text) == Split("", THOUGHT)


def test_split_reasoning_several_blocks_and_channels_are_joined():
    blocks = "<think>one</think>\n<think>two</think>\nParis"
    assert split_reasoning(blocks) == Split("Paris", "one\n\ntwo")
    channels = "<|channel|>analysis<|message|>one<|end|><|start|>assistant<|channel|>commentary<|message|>two<|end|>"
    final = "<|start|>assistant<|channel|>final <|constrain|>json<|message|>Paris<|return|>"
    assert split_reasoning(channels + final) == Split("Paris", "one\n\ntwo")


def test_split_reasoning_calls_in_channels_are_part_of_the_answer():
    thought = "<|channel|>analysis<|message|>I look.<|end|>"
    call = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
    header = "<|start|>assistant<|channel|>commentary to=functions.weather <|constrain|>json<|message|>"
    assert split_reasoning(thought + header + '{"city": "Oslo"}<|call|>') == Split(call, "I look.")
    # as newer templates write it, cut off at the stop token, after words to the user
    other = "<|start|>assistant to=functions.weather<|channel|>commentary json<|message|>"
    final = "<|start|>assistant<|channel|>final<|message|>Wait.<|end|>"
    assert split_reasoning(thought + final + other + '{"city": "Oslo"}') == Split(f"Wait.\n{call}", "I look.")
    assert answer_with_calls(call) == '<tool_call>\n{"name":"weather","arguments":{"city":"Oslo"}}\n</tool_call>'


def test_split_reasoning_server_s_field_comes_first_and_is_not_repeated():
    assert split_reasoning("Paris", "by the server ") == Split("Paris", "by the server")
    assert split_reasoning("<think>same</think>Paris", "same") == Split("Paris", "same")
    assert split_reasoning("<think>more</think>Paris", "first") == Split("Paris", "first\n\nmore")


def test_split_reasoning_answer_in_a_block_of_its_own_is_taken_out_behind_reasoning_only():
    assert split_reasoning("<think>so</think> <answer> Paris </answer>") == Split("Paris", "so")
    assert split_reasoning("<answer>Paris</answer>").answer == "<answer>Paris</answer>"


@pytest.mark.parametrize(
    "text",
    [
        "Wrap it in <think> and </think> tags. ",
        "Close the block with `</think>`, then answer.",
        "The tag '</think>' ends it.",
        "final",
        "analysis of the final round by the assistant",
        "  two  spaces\n",
        "",
    ],
)
def test_split_reasoning_text_that_only_speaks_of_marks_stays(text):
    assert split_reasoning(text) == Split(text, "")


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="<[◁a"), min_size=1))
def test_split_reasoning_what_stands_behind_a_block_is_the_answer(thought, answer):
    block = f"<think>{thought.replace('<', '')}</think>"
    assert split_reasoning(block + answer).answer == answer.lstrip()


@given(st.text(alphabet=st.characters(exclude_characters="<[◁a")))
def test_split_reasoning_text_without_marks_is_unchanged_byte_for_byte(text):
    assert split_reasoning(text) == Split(text, "")


@pytest.mark.parametrize(
    ("prompt", "mark"),
    [("<|im_start|>assistant\n<think>\n", "<think>"), ("[THINK]", "[THINK]"), ("assistant\n<think>\n\n</think>\n", "")],
)
def test_opened_block_prompt_that_ends_in_one_names_its_mark(prompt, mark):
    assert opened_block(prompt) == mark


def test_shows_marks_only_special_tokens_count():
    assert shows_marks(["</s>", "[THINK]"])
    assert not shows_marks(["</s>", "<|im_end|>"])
