"""Lines that say a question has no answer, in the languages most spoken.

Only a whole line counts: "unknown" and "no" can be part of an answer, as in "Unknown Pleasures".
"""

import re

_TEXT = r"(?:context|passage|text|article|document|information(?: given| provided)?)"
_PATTERNS = (
    r"(?:(?:sorry|unfortunately)\W+)?(?:"
    r"(?:i (?:do not|don't|can't|cannot|am not able to)|i(?: am|'m) not (?:sure|certain))\b[^.]*"
    r"|(?:there is |there's |it has )?no (?:valid |clear )?(?:answer|information)"
    r"(?: (?:available|given|provided|found|exists))?"
    rf"(?: (?:in|by) the {_TEXT})?"
    r"|(?:it |this |the question |the answer )?(?:is )?(?:unknown|unanswerable|not (?:known|stated|given|mentioned|"
    r"specified|available|provided|answerable|enough information|sufficient information)|undetermined|insufficient "
    rf"information|n/?a)(?: (?:in|by|from) the {_TEXT})?"
    r"|(?:this |it |the question |the answer )?can(?:not|'t) be (?:answered|determined|found|inferred)[^.]*"
    rf"|the {_TEXT} (?:does not|doesn't) (?:say|state|mention|tell|give|specify|contain|provide)\b[^.]*)",
    r"我?不(?:知道|清楚|确定|確定)|(?:没有|沒有|无|無)(?:答案|相关信息)|(?:无法|無法|不能)(?:回答|确定|確定|得知)|未知|"
    r"(?:文中|文章中?|上下文中?)(?:没有|沒有|并?未)(?:提到|提及|说明|給出|给出)[^。]*",
    r"(?:答え|回答)(?:は)?(?:ありません|なし|られません|できません)|(?:分|わ)かりません|不明(?:です)?|記載(?:が|は)?ありません",
    r"알 ?수 ?없(?:습니다|음|다)|모르겠습니다|모릅니다|(?:정?답|답변)(?:이|은)? 없(?:습니다|음|다)",
    r"ไม่(?:ทราบ|รู้|มีคำตอบ|สามารถตอบได้)(?:ครับ|ค่ะ)?",
    r"(?:yo )?no (?:lo )?sé|no (?:se (?:menciona|sabe|indica|especifica)|hay (?:una )?(?:respuesta|información))[^.]*"
    r"|desconocid[oa]|sin respuesta",
    r"(?:eu )?não (?:sei|é mencionado|há (?:resposta|informação)|se sabe)[^.]*|desconhecid[oa]|sem resposta",
    r"je (?:ne )?sais pas|(?:il n'y a )?(?:pas|aucune) (?:de |d')?(?:réponse|information)[^.]*|inconnue?"
    r"|non (?:mentionné|précisé)e?",
    r"ich weiß (?:es )?nicht|(?:es gibt )?keine (?:antwort|angaben?|information(?:en)?)[^.]*|unbekannt"
    r"|nicht (?:bekannt|angegeben)",
    r"(?:я )?не зна[юе]м?|(?:ответ )?неизвестн[оа]|(?:нет|без) ответа|не (?:указано|упоминается|сказано)[^.]*",
    r"لا (?:أعرف|أعلم|أدري|توجد إجابة|يوجد جواب|توجد معلومات)[^.]*|غير (?:معروفة?|مذكورة?|محددة?)",
    r"(?:मुझे )?(?:नहीं (?:पता|मालूम)|पता नहीं|मालूम नहीं)(?: है)?|(?:कोई )?(?:उत्तर|जवाब) नहीं(?: है)?|अज्ञात|ज्ञात नहीं(?: है)?",
    r"(?:আমি )?জানি না|আমার জানা নেই|(?:কোনো |কোন )?উত্তর নেই|অজানা|অজ্ঞাত",
    r"(?:مجھے )?(?:نہیں معلوم|معلوم نہیں)(?: ہے)?|نامعلوم|کوئی جواب نہیں(?: ہے)?",
    r"(?:saya )?tidak (?:tahu|diketahui|ada jawaban|disebutkan)[^.]*",
)
_LINE = re.compile(rf"(?:{'|'.join(_PATTERNS)})\W*", re.IGNORECASE)
_NONE = re.compile(r"(?:none|null|nil)\W*", re.IGNORECASE)


def says_no_answer(line: str, *, is_allowed: bool) -> bool:
    """Return whether a line says that there is no answer; "none" does only if the recipe allows that."""
    line = line.replace("’", "'")
    return bool(_LINE.fullmatch(line) or (is_allowed and _NONE.fullmatch(line)))
