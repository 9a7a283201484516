"""What stands around an answer in the languages most spoken, and what only looks like it."""

import pytest

from stillhouse.skills.qa import Qa, normalised

OPEN = Qa(kind="qa")
NONE = Qa(kind="qa", no_answer="no answer")


@pytest.mark.parametrize(
    "text",
    [
        "A: Paris",
        "1. Paris",
        "1) **Paris**",
        "Answer - Paris",
        "Answer → Paris",
        "Ans: Paris",
        "Output: Paris",
        "The answer to the question is Paris.",
        "Q: Which capital?\nA: Paris",
        "<answer>Paris</answer>",
        '{"answer": "Paris", "confidence": 0.9}',
        '{"answer": ["Paris"]}',
        '```json\n{"final_answer": "Paris"}\n```',
        "La bonne réponse est Paris.",
        "Jawaban yang benar adalah Paris.",
        "Svar: Paris",
        "‹Paris›",
        "《Paris》",
        "〝Paris〞",
    ],
)
def test_parse_answer_in_any_dress_is_the_answer(text):
    assert OPEN.parse(text) == "Paris"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("उत्तर पेरिस है।", "पेरिस"),
        ("इसका उत्तर पेरिस है", "पेरिस"),
        ("उत्तर है पेरिस", "पेरिस"),
        ("सही उत्तर पेरिस", "पेरिस"),
        ("उत्तर - पेरिस", "पेरिस"),
        ("जवाब पेरिस है", "पेरिस"),
        ("উত্তরটি হলো প্যারিস।", "প্যারিস"),
        ("সঠিক উত্তর: প্যারিস", "প্যারিস"),
        ("صحیح جواب پیرس ہے۔", "پیرس"),
        ("الإجابة الصحيحة هي باريس.", "باريس"),
        ("答案 巴黎", "巴黎"),
        ("答案就是巴黎。", "巴黎"),
        ("答案應該是「巴黎」。", "巴黎"),
        ("正解は東京です。", "東京"),
        ("東京です。", "東京"),
        ("서울입니다.", "서울"),
        ("คำตอบที่ถูกต้องคือกรุงเทพ", "กรุงเทพ"),
        ("ตอบ กรุงเทพ", "กรุงเทพ"),
        ("Απάντηση: Παρίσι", "Παρίσι"),
        ("תשובה: פריז", "פריז"),
        ("La risposta è Parigi.", "Parigi"),
        # names that begin or look like a lead
        ("उत्तर कोरिया", "उत्तर कोरिया"),
        ("उत्तर प्रदेश है।", "उत्तर प्रदेश है।"),
        ("উত্তর কোরিয়া", "উত্তর কোরিয়া"),
        ("答案之書", "答案之書"),
        ("1. FC Köln", "1. FC Köln"),
        ("1. Mai 1890", "1. Mai 1890"),
        ("3. Oktober 1990", "3. Oktober 1990"),
        ("1.5", "1.5"),
        ("Jean - Paul", "Jean - Paul"),
        ("2 * 3", "2 * 3"),
        ("A-ha", "A-ha"),
        ("R. Kelly", "R. Kelly"),
        ("It Is What It Is", "It Is What It Is"),
    ],
)
def test_parse_lead_of_other_scripts_goes_and_names_stay(text, answer):
    assert OPEN.parse(text) == answer
    assert OPEN.parse(OPEN.training_target(text, answer)) == answer


@pytest.mark.parametrize(
    "text",
    [
        "I'm not sure.",
        "The answer cannot be determined from the passage.",
        "No answer found.",
        "没有答案",
        "无法回答。",
        "答えられません",
        "알 수 없습니다.",
        "ไม่ทราบ",
        "No se menciona en el texto.",
        "Sem resposta",
        "Inconnu",
        "Keine Antwort",
        "Неизвестно.",
        "لا توجد إجابة",
        "कोई उत्तर नहीं है",
        "উত্তর নেই",
        "نامعلوم",
        "Tidak diketahui",
    ],
)
def test_parse_no_answer_in_other_words_and_languages(text):
    assert NONE.parse(text) == "no answer"
    assert OPEN.parse(text) is None


def test_parse_none_is_an_answer_where_there_is_always_one():
    assert OPEN.parse("None") == "None"
    assert NONE.parse("None.") == "no answer"


def test_normalised_keeps_what_stands_between_dashes_and_stars():
    # a mark of a list stands at the start of a line only
    assert normalised(OPEN.parse("Jean - Paul") or "") == "jean paul"
