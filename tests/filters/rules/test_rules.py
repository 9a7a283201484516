import math
from dataclasses import replace

import pytest

from stillhouse.errors import RecipeError
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.outcome import undecided_counts
from stillhouse.filters.rules.agreement import Agreement, majority
from stillhouse.filters.rules.confidence import Confidence
from stillhouse.filters.rules.empty import Empty
from stillhouse.filters.rules.failed import Failed
from stillhouse.filters.rules.language import Language
from stillhouse.filters.rules.near_duplicate import NearDuplicate
from stillhouse.filters.rules.refusal import Refusal
from stillhouse.filters.rules.repetitive import Repetitive, repeated_share
from stillhouse.filters.rules.too_long import TooLong
from stillhouse.filters.rules.truncated import Truncated
from stillhouse.filters.rules.unparsable import Unparsable
from stillhouse.filters.rules.verification import Verification
from stillhouse.filters.settings import Filters
from tests.support.builders import make_candidate, make_completion, make_row


def test_failed_error_is_dropped_and_has_no_setting():
    assert Failed().objection(make_candidate(finish_reason="error:timeout")) == "error:timeout"
    assert Failed().objection(make_candidate()) is None
    assert not Failed.model_fields


def test_truncated_drops_length_only_and_only_when_on():
    assert Truncated().objection(make_candidate(finish_reason="length")) == "cut off after 2 tokens"
    assert Truncated().objection(make_candidate(finish_reason="stop")) is None
    assert Truncated(truncated=False).objection(make_candidate(finish_reason="length")) is None


@pytest.mark.parametrize(("text", "dropped"), [("", True), (" \n\t", True), ("0", False), ("?", False)])
def test_empty_drops_blank_text(text, dropped):
    assert (Empty().objection(make_candidate(text)) is not None) == dropped
    assert Empty(empty=False).objection(make_candidate(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "I can't help with that.",
        "I’m sorry, but I can’t assist with this request.",
        "Sorry. I cannot provide that information.",
        "As an AI language model, I do not have opinions; I am not a person.",
        "I'm unable to answer.",
        "Unfortunately, I must decline.",
        "I apologize, but I am not able to discuss this.",
        "I can't share that",
        "I must respectfully decline",
        "I'm sorry, but I can't do that.",
        "I’m sorry, but I can’t share that information.",
        "I won't be able to help with that request.",
        "I cannot in good conscience help with that.",
        "I'm not comfortable discussing that.",
        "I do not feel comfortable answering this.",
        "As a large language model, I cannot browse the internet.",
        "I'd rather not answer that.",
        "I would prefer not to discuss that.",
        "It would be inappropriate for me to answer.",
        "It's against my guidelines to help with that.",
        "Apologies, but that's not something I can help with.",
        "No, I can't help with that.",
        "I cannot and will not help with that.",
        "很抱歉，我无法回答这个问题。",
        "作为一个人工智能助手，我无法发表个人意见。",
        "我无法协助您完成此请求。",
        "क्षमा करें, मैं इसमें आपकी मदद नहीं कर सकता।",
        "मुझे खेद है, लेकिन मैं इस प्रश्न का उत्तर नहीं दे सकता।",
        "Lo siento, pero no puedo ayudarte con eso.",
        "No puedo proporcionar esa información.",
        "Lamento no poder ayudarte.",
        "عذراً، لا أستطيع مساعدتك في ذلك.",
        "آسف، لا يمكنني الإجابة على هذا السؤال.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Je ne peux pas fournir cette information.",
        "En tant qu'IA, je n'ai pas d'opinion.",
        "দুঃখিত, আমি এই বিষয়ে সাহায্য করতে পারব না।",
        "দুঃখিত, আমি এটি করতে পারব না।",
        "Desculpe, mas não posso ajudar com isso.",
        "Infelizmente, não posso fornecer essas informações.",
        "Извините, но я не могу помочь с этим.",
        "Я не могу предоставить эту информацию.",
        "Maaf, saya tidak bisa membantu dengan itu.",
        "معذرت، میں اس میں آپ کی مدد نہیں کر سکتا۔",
        "Es tut mir leid, aber ich kann dir dabei nicht helfen.",
        "Leider kann ich diese Frage nicht beantworten.",
        "Das kann ich leider nicht beantworten.",
        "申し訳ありませんが、その質問にはお答えできません。",
        "申し訳ございませんが、この情報を提供することはできません。",
    ],
)
def test_refusal_drops_a_refusing_opening(text):
    assert Refusal().objection(make_candidate(text))
    assert Refusal(refused=False).objection(make_candidate(text)) is None
    assert Refusal().objection(make_candidate(text, is_prose=False)) is None


@pytest.mark.parametrize(
    "text",
    [
        "The customer says: I can't help but wonder where my card is.",
        "Sorry to hear that. Your card is on its way.",
        "I can help with that.",
        "Press the button. If it fails, write that you cannot complete the form.",
        "I am happy to assist.",
        "I can't help but wonder where my card is.",
        "I can't find my card and want a new one.",
        "I can't answer the phone at work, please email me.",
        "I'm sorry, but I can't find any restaurant there.",
        "I can't do it without you, said Ann.",
        "I must decline the invitation.",
        "As an assistant manager, I don't work on Sundays.",
        "No, I can't come on Monday.",
        "I'd rather not wait until Friday.",
        "It's not something I can pay for.",
        "Lamento no poder venir mañana.",
        "Das kann ich leider nicht bezahlen.",
        "我找不到我的卡。",
        "抱歉，您的卡还没有寄出。",
        "मैं अपना कार्ड नहीं ढूंढ पा रहा हूँ।",
        "No puedo encontrar mi tarjeta.",
        "لا أستطيع العثور على بطاقتي.",
        "Je ne peux pas trouver ma carte.",
        "আমি আমার কার্ড খুঁজে পাচ্ছি না।",
        "Não consigo encontrar meu cartão.",
        "Я не могу найти свою карту.",
        "Saya tidak bisa menemukan kartu saya.",
        "میں اپنا کارڈ نہیں ڈھونڈ سکتا۔",
        "Ich kann meine Karte nicht finden.",
        "申し訳ありません。カードは明日届きます。",
    ],
)
def test_refusal_keeps_completions_that_only_mention_refusing(text):
    assert Refusal().objection(make_candidate(text)) is None


def test_repetitive_share_is_that_of_repeated_three_word_sequences():
    # a b c a b c: abc bca cab abc -> 1 of 4 stands earlier
    assert repeated_share("a b c A, b c.") == pytest.approx(1 / 4)
    assert repeated_share("no no") == 0.0
    assert repeated_share("one two three four") == 0.0


@pytest.mark.parametrize(
    "unit", ["市议会同意关闭旧桥。", "市議会は橋を閉鎖する。", "สภาเมืองตกลงปิดสะพาน", "परिषद ने पुल बंद किया। "]
)
def test_repetitive_text_of_any_script_is_dropped(unit):
    assert Repetitive().objection(make_candidate(unit * 12)) is not None
    assert Repetitive().objection(make_candidate(unit)) is None


def test_repetitive_hindi_words_that_share_consonants_are_others():
    assert repeated_share("की का के कि कु कू कॉ कै") == 0


@pytest.mark.parametrize(
    ("text", "words"), [("市议会已同意将旧桥关闭两年，" * 4, 35), ("ขอบคุณ" * 20, 34), ("w " * 21, 21)]
)
def test_too_long_counts_words_of_any_script(text, words):
    candidate = replace(make_candidate(answer=text), word_limit=20)
    assert TooLong().objection(candidate) == f"{words} words, at most 20"
    assert TooLong().objection(replace(candidate, word_limit=words)) is None


def test_near_duplicate_chinese_answers_that_nearly_repeat_are_dropped():
    first = "市议会已同意将旧桥关闭两年以便进行修缮工作"
    near = first + "谢谢"
    far = "您的银行卡将在五个工作日内寄到请耐心等待通知"
    assert [one is None for one in NearDuplicate(near_duplicate_threshold=0.8).objections([first, near, far])] == [
        True,
        False,
        True,
    ]


def test_rules_that_can_not_judge_a_text_say_so():
    language = Language(languages=("en",))
    assert language.cannot_judge(make_candidate("Karte bitte sperren"))
    assert language.cannot_judge(make_candidate("1 2 3 4 5"))
    assert not language.cannot_judge(make_candidate("市议会已同意将旧桥关闭两年"))
    assert not Language().cannot_judge(make_candidate("Karte"))
    assert Refusal().cannot_judge(make_candidate("ขออภัย ฉันช่วยเรื่องนี้ไม่ได้"))
    assert not Refusal().cannot_judge(make_candidate("I can't"))
    assert not Refusal(refused=False).cannot_judge(make_candidate("ขออภัย"))
    kept = [make_candidate("ขออภัย"), make_candidate("Where is my card now?")]
    assert undecided_counts(kept, Filters(languages=("en",))) == {"refused": 1, "language": 1}


def test_verification_says_so_if_an_answer_could_not_be_compared():
    open_case = replace(make_candidate(answer="9^{9^9}", agrees=None), verifies=True)
    assert Verification().cannot_judge(open_case)
    assert not Verification().cannot_judge(replace(open_case, agrees_with_reference=True))
    assert not Verification().cannot_judge(replace(open_case, verifies=False))


def test_repetitive_bound_is_the_recipes():
    assert Repetitive().objection(make_candidate("go on " * 20)) == "95% of its 3-word sequences are repeats"
    assert Repetitive().objection(make_candidate("a b c a b c")) is None
    assert Repetitive(max_repetition=0.2).objection(make_candidate("a b c a b c")) is not None
    assert Repetitive(repetitive=False).objection(make_candidate("go on " * 20)) is None


def test_language_drops_other_languages_and_keeps_short_or_unnamed_ones():
    german = "Ich möchte bitte meine verlorene Karte sperren lassen."
    assert Language(languages=("en",)).objection(make_candidate(german)) == "language is de"
    assert Language(languages=("en", "de")).objection(make_candidate(german)) is None
    assert Language().objection(make_candidate(german)) is None
    assert Language(languages=("en",)).objection(make_candidate("I would like to block my lost card, please.")) is None
    assert Language(languages=("en",)).objection(make_candidate("Karte bitte sperren")) is None
    assert Language(languages=("en",)).objection(make_candidate("1 2 3 4 5")) is None
    assert Language(languages=("en",)).objection(make_candidate(german, is_prose=False)) is None
    assert Language(languages=("en",)).objection(make_candidate("市议会已同意将旧桥关闭两年。")) == "language is zh"
    assert Language(languages=("en",)).objection(make_candidate("市議会は橋を二年間閉鎖する。")) == "language is ja"
    assert Language(languages=("en",)).objection(make_candidate("สภาเมืองตกลงปิดสะพาน")) == "language is th"


def test_language_unknown_code_is_refused_by_name():
    with pytest.raises(RecipeError, match=r"filters\.languages holds english; known"):
        Language(languages=("english",)).objection(make_candidate("four words are enough"))


def test_unparsable_drops_text_without_a_readable_answer():
    assert Unparsable().objection(make_candidate(answer=None))
    assert Unparsable().objection(make_candidate(answer="gold")) is None
    assert Unparsable(unparsable=False).objection(make_candidate(answer=None)) is None


def test_verification_drops_contradiction_only():
    assert (
        Verification().objection(make_candidate(answer="x", agrees=False)) == "answered x, the reference is gold or au"
    )
    assert Verification().objection(make_candidate(answer="gold", agrees=True)) is None
    assert Verification().objection(make_candidate(answer="x", agrees=None)) is None
    assert Verification(verification=False).objection(make_candidate(answer="x", agrees=False)) is None


def test_confidence_bound_is_on_the_mean_a_token():
    rule = Confidence(min_mean_logprob=-0.5)
    assert rule.objection(make_candidate(logprob=-1.0)) is None  # 2 tokens: -0.5 each
    assert rule.objection(make_candidate(logprob=-1.2)) == "mean log-probability -0.600 is below -0.5"
    assert rule.objection(make_candidate(logprob=None)) == "its log-probability is not known"
    assert Confidence().objection(make_candidate(logprob=-99.0)) is None


def test_confidence_bound_of_a_closed_answer_is_on_the_probability_of_all_its_tokens():
    rule = Confidence(min_probability=0.5, min_mean_logprob=-0.01)
    one, five = make_completion("pet", completion_tokens=1), make_completion("car insurance", completion_tokens=5)
    for completion in (one, five):
        for probability, objection in ((0.5, None), (0.499, "probability 0.499 is below 0.5")):
            scored = completion.model_copy(update={"cumulative_logprob": math.log(probability) + 1e-12})
            assert rule.objection(Candidate(make_row("1"), scored, "x", None, False, is_closed=True)) == objection
    assert rule.objection(make_candidate(is_closed=True)) == "its log-probability is not known"
    assert Confidence(min_mean_logprob=-0.1).objection(make_candidate(logprob=-9.0, is_closed=True)) is None
    assert Confidence(min_probability=0.9).objection(make_candidate(logprob=-9.0)) is None


def test_agreement_share_is_of_all_answered_rollouts():
    half = Agreement(min_agreement=0.5)
    assert half.objection(["a", "a", "b"], 4) is None
    assert half.objection(["a", "a", "b"], 5) == "2 of 5 samples agree, 50% must"
    assert Agreement().objection(["a", "b"], 9) is None
    assert half.objection([], 3) is None


def test_agreement_majority_tie_goes_to_the_first_given():
    assert majority(["b", "a", "a", "b"]) == "b"
    assert majority(["b", "a", "a"]) == "a"


def test_near_duplicate_drops_the_later_of_two_long_near_equal_answers():
    first = "the card is on its way and will arrive by monday"
    near = "The card is on its way, and will arrive by friday!"  # 10 of 12 words shared
    far = "we have sent the refund to the account you paid from"
    assert NearDuplicate(near_duplicate_threshold=0.8).objections([first, near, far, first]) == [
        None,
        "word-set Jaccard 0.83 with an earlier answer",
        None,
        "word-set Jaccard 1.00 with an earlier answer",
    ]
    assert NearDuplicate(near_duplicate_threshold=0.9).objections([first, near]) == [None, None]
    assert NearDuplicate().objections([first, first]) == [None, None]


def test_near_duplicate_short_equal_answers_are_kept():
    assert NearDuplicate(near_duplicate_threshold=0.5).objections(["yes it is"] * 3) == [None] * 3
