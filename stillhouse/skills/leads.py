"""What models write before an answer: Markdown, "Answer:", "The answer is", in the languages most spoken."""

import re
from typing import NamedTuple

# words for the answer, as a heading has them
ANSWER_NAMES = "|".join(
    (
        r"(?:(?:short|final|correct|right|best|my|the) )*answer(?: to (?:the|this|that|your) question)?",
        r"(?:la )?respuesta(?: (?:final|correcta))?|(?:a )?resposta(?: (?:final|correta|certa))?",
        r"(?:la )?risposta(?: (?:finale|corretta|giusta))?|(?:la )?(?:bonne )?réponse(?: (?:finale|correcte))?",
        r"(?:die )?(?:richtige |endgültige |korrekte )?antwort|(?:het )?(?:juiste )?antwoord|(?:rätt )?svaret",
        r"odpowiedź|odpověď|răspuns(?:ul)?|válasz|vastaus|(?:doğru )?(?:cevap|yanıt)",
        r"jawaban(?:nya)?(?: (?:yang benar|akhir))?",
        r"(?:правильный |верный )?ответ|відповідь|απάντηση|(?:ה)?תשובה",
        r"(?:最终|最終|正确|正確)?的?(?:答案|回答)|答え?|解答|正解|(?:최종 |올바른 )?(?:정답|답변?)",
        r"(?:(?:अंतिम|सही|इसका|प्रश्न का|इस प्रश्न का) )*उत्तर|(?:सही )?जवाब|(?:(?:সঠিক|চূড়ান্ত) )?উত্তর(?:টি)?",
        r"(?:الإجابة|الاجابة|الجواب)(?: (?:الصحيحة?|النهائية?))?|إجابة|(?:(?:صحیح|درست) )?جواب",
        r"คำตอบ(?:ที่ถูกต้อง)?|đáp án|câu trả lời|பதில்|సమాధానం|ഉത്തരം|ಉತ್ತರ",
    )
)
# these name an answer only with a colon behind them
_HEADED_NAMES = r"(?-i:A|R)|ans|svar|output|response|result|ตอบ"
# and for a label
_LABEL_NAMES = "|".join(
    (
        r"(?:(?:final|correct|predicted|the) )*(?:label|category|class|classification|intent|sentiment|topic|prediction"
        r"|relation|relationship|verdict|stance|emotion|tag)",
        r"etiqueta|categor[ií]a|étiquette|catégorie|kategorie|klasse|rótulo|kategori|labelnya|категория|метка|класс",
        r"标签|標籤|类别|類別|分类|ラベル|カテゴリ|分類|라벨|लेबल|श्रेणी|লেবেল|التصنيف|الفئة",
    )
)
# between the name and the answer in a sentence
IS = (
    r"(?:(?:is|are|would be|es|está|est|ist|lautet|é|è|adalah|ialah|là|это)(?!\w)|—|–|=|"
    r"(?:就|应该|應該|应|應)?是|为|為|は|는|은|है|হলো|হল|হচ্ছে|هي|هو|ہے|คือ)"
)
# marks behind a name that stand for a colon
_COLON = r"(?:[:：]|(?<=\s)-+>?(?=\s)|→|->|=>)"


class _Leads(NamedTuple):
    headed: re.Pattern[str]
    sentence: re.Pattern[str]


def _leads(names: str) -> _Leads:
    return _Leads(
        re.compile(rf"(?:(?:{names})\s*(?:{IS}\s*)?|(?:{_HEADED_NAMES})\s*){_COLON}\s*", re.IGNORECASE),
        re.compile(rf"(?:(?:so|thus|therefore|hence),? )?(?:{names})\s*{IS}\s*(?=\S)", re.IGNORECASE),
    )


_ANSWER, _LABEL = _leads(ANSWER_NAMES), _leads(f"{ANSWER_NAMES}|{_LABEL_NAMES}")
_NAME = re.compile(rf"(?:{ANSWER_NAMES}|{_LABEL_NAMES})\s*(?:{IS}\s*)?[:：.。]?", re.IGNORECASE)
# a space alone parts name and answer in these scripts, and in Hindi and Urdu with the verb behind both. उत्तर and জবাব
# begin names too: "north" is उत्तर, as in उत्तर कोरिया
_APART = re.compile(r"(?:答案|回答|正解|答え|정답|คำตอบ|ตอบ)[ \u3000]+(?=\S)")
_VERB_BEHIND = re.compile(
    r"(?:(?:(?:अंतिम|सही|इसका|प्रश्न का|इस प्रश्न का) )+उत्तर"
    r"|उत्तर(?! (?:प्रदेश|कोरिया|भारत|अमेरिका|अफ़?्रीका|दिशा|सागर|ध्रुव|यूरोप|पूर्व|पश्चिम))"
    r"|(?:सही )?जवाब|(?:(?:صحیح|درست) )?جواب) (?P<said>.+?)\s*(?:हैं?|ہے|ہیں)\s*[।.۔]?"
)
_BY_ADJECTIVE = re.compile(r"(?:(?:अंतिम|सही|इसका|प्रश्न का|इस प्रश्न का) )+उत्तर (?=\S)|(?:সঠিক|চূড়ান্ত) উত্তর (?=\S)")
# a verb that ends a sentence in Japanese, Korean, Hindi, Urdu, Bengali
_VERB_LAST = re.compile(r"\s*(?:です|である|だ|입니다|이에요|예요|이다|है|ہے|হয়)$")
# the same in a line that says the answer alone, politely
_POLITE = re.compile(r"(?<=[^\s、,])(?:です|でございます|입니다|이에요)\s*[。.!]?$")
# paired marks that stand apart from ASCII letters and digits, so that 2*3*4 and snake_case stay
_EMPHASIS = re.compile(r"(?<![A-Za-z0-9*_`])(\*{1,3}|_{1,3}|`{1,3})(?=[^\s*_`])(.+?)(?<=[^\s*_`])\1(?![A-Za-z0-9*_`])")


def without_emphasis(text: str) -> str:
    """Return `text` without Markdown's marks of bold, italics and code."""
    if not any(mark in text for mark in "*_`"):
        return text
    while (plain := _EMPHASIS.sub(r"\2", text)) != text:
        text = plain
    return text


def is_lead(line: str) -> bool:
    """Return whether a line only announces the answer, as "Answer:", a heading or "Here it is:" do."""
    return bool(_NAME.fullmatch(line)) or line.endswith((":", "："))


def without_lead(line: str, *, of_label: bool = False) -> str:
    """Return `line` without Markdown and "Answer:" or "The answer is" before the answer; `of_label`, "Label:" too."""
    leads = _LABEL if of_label else _ANSWER
    line = without_emphasis(line.strip()).strip()
    if match := leads.headed.match(line):
        return line[match.end() :].strip()
    if match := leads.sentence.match(line):
        return _VERB_LAST.sub("", _without_stop(line[match.end() :])).strip()
    if line.isascii():
        return line
    if match := _VERB_BEHIND.fullmatch(line):
        return match["said"]
    if match := _APART.match(line) or _BY_ADJECTIVE.match(line):
        return _without_stop(line[match.end() :])
    return _POLITE.sub("", line)


def _without_stop(sentence: str) -> str:
    """Return a sentence without the full stop that ends it; one of an abbreviation, as in "D.C.", stays."""
    sentence = sentence.strip()
    last = sentence.split()[-1] if sentence.split() else ""
    return sentence if "." in last[:-1] else sentence.rstrip(".。।۔")
