"""How refusals begin in the languages most spoken, and in German and Japanese.

Each language has words of regret, after which a refusal may follow within a clause, and phrases that refuse. A phrase
names what an assistant does for a user (help, answer, share), so that "I can't find my card" is none. The rule sees
openings only.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import regex

from stillhouse.text.scripts import KANA


class Phrases(NamedTuple):
    """Patterns of one language."""

    regret: str
    refusal: str


_OBJECT = (
    r"(?= *(?:[.,;:!?\n]|$)| (?:with\b|to (?:that|this|your|such|it)\b|you\b(?! a refund)|that\b|this\b|these\b|"
    r"those\b|it(?= *(?:[.,;!?]|$))|"
    r"so\b|any\b|such\b|your\b|the (?:question|request|prompt|answer)|on\b|in (?:that|this|such)\b|personal\b|"
    r"private\b|"
    r"confidential\b|information\b|details\b|instructions\b|advice\b|guidance\b|content\b|medical\b|legal\b|"
    r"financial\b))"
)
_CAN_NOT = (
    r"(?:ca(?:n't|nnot|n not)|could(?:n't| not)|won't(?: be able to)?|will not(?: be able to)?|am (?:unable|"
    r"not able|not allowed|not permitted|not going|not in a position) to|'m (?:unable|not able|not allowed|"
    r"not permitted|not going|not in a position|afraid i can't|afraid i cannot) to)"
)
_SERVE = r"(?:help|assist|answer|respond|comply|provide|share|discuss|engage|comment|do (?:that|this|so))\b"

PHRASES = {
    "English": Phrases(
        r"(?:i am|i'm|i apologi[sz]e|(?:my |with |please accept my )?apologies|(?:so |very )?sorry|"
        r"unfortunately|regrettably|"
        r"as an? (?:large )?(?:ai|language|assistant|responsible)|i regret|i understand|i appreciate|"
        r"thank you for|no)\b",
        rf"\bi(?:'m afraid i)?(?: |(?='m)){_CAN_NOT}(?: and (?:will not|won't))?(?: \w+ly| in good conscience)? "
        rf"(?:(?:help|assist)(?! but\b| \w+ing\b)|"
        rf"comply|fulfil|fulfill|engage|discuss|"
        r"generate|create|provide(?! my\b)|respond|complete|(?:answer|share|disclose|reveal|write|produce|support|"
        rf"participate|continue|proceed|do|give|offer|recommend(?![^.\n]* enough)|promote|facilitate|"
        rf"accommodate|advise){_OBJECT})"
        rf"|\bi'm (?:unable|not able|not allowed|not permitted) to (?:help|assist|answer|comply|provide|fulfil|"
        rf"do {_OBJECT}|"
        r"complete|discuss|respond|engage|generate|create|share|write)"
        r"|\bas an? (?:large )?(?:ai|language model|assistant(?! \w)|artificial intelligence)\b"
        r"[^.!?\n]{0,60}\b(?:can't|cannot|"
        r"don't|unable|not)\b"
        r"|\bi(?:'ll| will)? (?:have to |must |need to )?(?:respectfully |politely |kindly )?(?:decline|"
        r"refuse) (?:to|this|that|your)\b"
        r"|\bi (?:have to|must|need to)(?: \w+ly)? (?:decline|refuse)(?= *(?:[.,;:!\n]|$))"
        r"|\bi(?: am|'m) not comfortable (?:with|\w+ing)\b|\bi (?:don't|do not) feel comfortable \w+ing\b"
        r"|\b(?:that's|that is|this is|it's) not something (?:that )?i(?:'m able to| can) (?:help|assist|do|answer|"
        r"discuss|provide|share)\b"
        r"|\bit(?:'s| is| would be) (?:inappropriate|not appropriate|against my (?:guidelines|policy|policies|"
        r"programming|principles)) (?:for me )?to\b"
        r"|\b(?:this|that|your|the) request (?:violates|goes against|is against)\b"
        rf"|\bi (?:don't|do not) (?:think|believe) i (?:can|could|should|am able to) {_SERVE}"
        rf"|\bi(?:'d| would) (?:rather|prefer) not (?:to )?{_SERVE}"
        r"|\b(?:that's|that is|this is|it's) (?:outside|beyond) (?:of )?what i can\b"
        r"|\bi(?:'m| am) (?:unable|not able) to (?:process|fulfil|fulfill|support|continue with) (?:this|that|your)\b"
        r"|\bi don't have (?:the (?:ability|capability|permission|authorization)|permission) to\b"
        r"|\bit (?:(?:is|would be) (?:inappropriate|unethical|irresponsible)|(?:isn't|wouldn't be) (?:appropriate|"
        r"ethical|right)) for me to\b"
        r"|\bmy (?:\w+ )?(?:guidelines|policies|policy|programming|instructions) (?:prevent|prohibit|forbid|"
        r"don't allow)"
        r"|\bi (?:can't|cannot)(?: do (?:that|this|so))?[.!]?$",
    ),
    "Mandarin": Phrases(
        r"(?:我?(?:很|非常|十分|深感|感到)?(?:抱歉|遗憾|遺憾)|对不起|對不起|不好意思)",
        r"(?:作为|作為)(?:一个|一個|一名)?(?:AI|人工智能|人工智慧|语言模型|語言模型|助手)[^。!?\n]{0,40}(?:无法|無法|不能|没有|沒有)"
        r"|(?:(?!如果|若|假如|要是)[^,。!?\n]{0,12}我|本人|这里|這裡|目前|恕我?)?(?:暂时|暫時|恐怕|也|并|並)?(?:无法|無法|不能|不可以|没有?办法|沒有?辦法|"
        r"不(?:太)?(?:便|方便)|无权|無權|难以|難以)[^。!?\n]{0,16}?"
        r"(?:提供|回答|协助|協助|帮助|幫助|帮您|帮你|幫您|幫你|满足|滿足|讨论|討論|分享|生成|遵从|配合|透露|"
        r"(?:完成|执行|執行|处理|處理|做|写|寫)(?:这|這|该|該|此|您|你|那))"
        r"|我(?:必须|必須|不得不|只能)(?:拒绝|拒絕|婉拒)|我(?:拒绝|拒絕)(?:回答|提供|协助|協助)"
        r"|我不(?:会|會)(?:协助|協助|帮|幫|回答|提供)|(?:我)?不(?:便|方便)[^。!?\n]{0,12}(?:评论|評論|回答|透露)"
        r"|(?:这个|這個|该|該|此|您的)(?:请求|請求|要求)我(?:不能|无法|無法)"
        r"|[^,。!?\n]{0,12}我?(?:也)?(?:回答|帮|幫|提供|协助|協助)不了|(?:您|你|这个|這個)的?(?:请求|請求|要求)违反",
    ),
    "Hindi": Phrases(
        r"(?:मुझे )?(?:क्षमा|माफ़|माफ|खेद|अफ़सोस|अफसोस|दुर्भाग्य)[^।\n]{0,12}",
        r"\bमैं[^।\n]{0,80}?(?:मदद|सहायता|उत्तर|जवाब|जानकारी|प्रदान|साझा|अनुरोध|"
        r"चर्चा)[^।\n]{0,24}(?:नहीं[^।\n]{0,6}(?:सक|पा[ऊउ])|असमर्थ)"
        r"|\bमैं [^।\n]{0,40}(?:सलाह|परामर्श) नहीं दे (?:सक|पा)"
        r"|\bमैं (?:ऐसा|यह|इसे)(?: \w+)? (?:करने में असमर्थ|नहीं कर (?:सक|पा[ऊउ]))"
        r"|(?:इस [^।\n]{0,16})?(?:उत्तर|जवाब|मदद|सहायता|जानकारी)[^।\n]{0,20}(?:संभव|मुमकिन) नहीं"
        r"|एक (?:एआई|ai|भाषा मॉडल|कृत्रिम)[^।\n]{0,60}(?:नहीं|असमर्थ)"
        r"|(?:मदद|सहायता|उत्तर|जवाब|प्रदान|साझा)[^।\n]{0,24}नहीं (?:कर|दे) सक(?:ता|ती|ते) (?:हूँ|हूं)",
    ),
    "Spanish": Phrases(
        r"(?:lo siento|(?:lo )?lamento|perd[oó]n|disculp[ae]\w*|lamentablemente|desafortunadamente|me temo|"
        r"una disculpa)\b",
        r"\bno (?:puedo|podr[eé]|podr[ií]a|me es posible|estoy en condiciones de|soy capaz de|"
        r"tengo permitido|estoy autorizad[oa] (?:a|para)|voy a|debo) (?:\w+ )?"
        r"(?:ayud|asist|respond|proporcion|cumpl|compart(?!ir mi)|discut|gener|brind|facilit|ofrec|revel|"
        r"hacer (?:eso|esto)|continuar con (?:est|es)[ae]|hablar (?:de|sobre) (?:eso|esto|es[ae]|est[ae])|"
        r"dar(?:te|le) (?:\w+ )?(?:consej|informaci|instruc)|"
        r"(?:dar|atender|completar|realizar) (?:es[ae]|est[ae]|su|tu|informaci|consej|instruc))"
        r"|\bno poder (?:ayudar|asistir|responder|proporcionar|cumplir|compartir(?! mi))"
        r"|\b(?:debo|tengo que) (?:declinar|rechazar|negarme)|\bprefiero no (?:respond|contest|opin|habl)"
        r"|\bno me siento cómod[oa]\b|\bno estoy autorizad[oa] (?:a|para)\b"
        r"|\bcomo (?:un |una )?(?:modelo de lenguaje|ia|inteligencia artificial|"
        r"asistente)\b[^.\n]{0,60}\bno (?:puedo|tengo|soy)\b",
    ),
    "Arabic": Phrases(
        r"(?:عذرا|أعتذر|اعتذر|آسف|انا آسف|أنا آسف|معذرة|للأسف|يؤسفني|المعذرة)",
        r"(?:أنا )?(?:لا (?:أستطيع|استطيع|يمكنني|أقدر|يسعني)|لن (?:أتمكن|أستطيع|يمكنني)|لست قادر|غير قادر|"
        r"ليس (?:بإمكاني|بوسعي|في وسعي))[^.\n]{0,24}?"
        r"(?:أن (?:أساعد|أجيب|أقدم|أوفر|أشارك|أناقش)|مساعد|نصائح|الإجابة|الاجابة|تقديم|توفير|مشاركة|"
        r"الرد|تلبية|إنشاء|تنفيذ (?:هذا|طلب)|مناقشة|القيام بذلك)"
        r"|أرفض (?:الإجابة|تقديم|المساعدة|هذا الطلب)|ك(?:نموذج لغوي|ذكاء اصطناعي|مساعد)[^.\n]{0,40}(?:لا|ليس)",
    ),
    "French": Phrases(
        r"(?:je (?:suis )?(?:vraiment |sincèrement )?(?:désolée?|navrée?)|désolée?|navrée?|je (?:m'excuse|"
        r"regrette)|malheureusement|"
        r"pardon|toutes mes excuses)\b",
        r"\bje ne (?:peux|puis|pourrai|saurais|suis pas (?:en mesure|capable|"
        r"autorisée?) d[e'])(?: malheureusement)?(?: pas)? ?"
        r"(?:vous |t'|te |y )?(?:aider|assister|répondre|fournir|satisfaire|partager (?!mon|ma|mes)|discuter|"
        r"générer|créer|continuer (?:cette|avec)|parler de (?:cela|ça|ce)|accéder à "
        r"(?:cette|votre)|donner (?:de|cette|ces)|faire (?:cela|ça)|divulguer|proposer)"
        r"|\bje (?:dois|suis obligée? de|me vois obligée? de) (?:refuser|décliner)"
        r"|\bje refuse de (?:répondre|vous|t'|participer|faire)|"
        r"\bje ne suis pas autorisée? à (?:répondre|vous|divulguer)"
        r"|\bil m'est impossible de (?:vous |t')?(?:aider|répondre|fournir|donner|partager|satisfaire)"
        r"|\bje préfère ne pas (?:répondre|en parler|donner)|\bje n'ai pas (?:le droit|l'autorisation) de\b"
        r"|\ben tant qu(?:e |')(?:ia|assistant|modèle de langage|intelligence artificielle)\b[^.\n]{0,60}\b"
        r"je n(?:e\b|')",
    ),
    "Bengali": Phrases(
        r"(?:আমি )?(?:দুঃখিত|আন্তরিকভাবে দুঃখিত|ক্ষমা করবেন|ক্ষমা করুন|মাফ করবেন|দুর্ভাগ্যবশত)",
        r"আমি[^।\n]{0,80}?(?:সাহায্য|সহায়তা|উত্তর|তথ্য|প্রদান|শেয়ার|আলোচনা)[^।\n]{0,24}(?:পারব না|পারবো না|"
        r"পারছি না|পারি না|অক্ষম)"
        r"|(?:আমি )?(?:এটি|এটা|এই কাজটি) করতে (?:পারব|পারবো|পারছি|পারি) না"
        r"|(?:সাহায্য|সহায়তা|উত্তর|প্রদান|শেয়ার)[^।\n]{0,16}(?:পারব না|পারবো না|পারছি না|পারি না)"
        r"|আমি[^।\n]{0,40}?(?:(?:অনুরোধ|জবাব)[^।\n]{0,24}(?:পারব|পারবো|পারছি|পারি) না|"
        r"(?:সাহায্য|সহায়তা|উত্তর)[^।\n]{0,24}সক্ষম নই)"
        r"|(?:এই [^।\n]{0,16})?(?:উত্তর|সাহায্য|সহায়তা)[^।\n]{0,20}আমার পক্ষে সম্ভব (?:নয়|না)"
        r"|একটি (?:এআই|ai|ভাষা মডেল)[^।\n]{0,60}(?:পারি না|নই|নেই)",
    ),
    "Portuguese": Phrases(
        r"(?:desculp\w+|lament(?:o|avelmente)|sinto muito|infelizmente|peço desculpas?|perdão)\b",
        r"\bnão (?:posso|consigo|poderei|sou capaz de|me é (?:possível|permitido)|tenho permissão para|estou apt[oa] a|"
        r"estou autorizad[oa] a|vou|devo|(?:te|lhe|o|a|vos) posso) (?:\w+ )?"
        r"(?:ajud|auxili|respond|fornec|cumpr|compartilh(?!ar meu)|partilh|discut|ger|oferec|"
        r"atender (?:a )?(?:ess|est|seu)|fazer isso|divulg|"
        r"continuar(?= *(?:[.,!]|com (?:ess|est)|$))|dar (?:ess|est|conselh|instru|inform))"
        r"|\brecuso-me a\b"
        r"|\b(?:devo|tenho que|preciso) (?:recusar|declinar)|\bprefiro não (?:respond|coment|opin|falar)"
        r"|\bnão me sinto (?:confortável|à vontade)"
        r"|\bcomo (?:um |uma )?(?:modelo de linguagem|ia|inteligência artificial|assistente)\b[^.\n]{0,60}\bnão\b",
    ),
    "Russian": Phrases(
        r"(?:извините|простите|к сожалению|мне (?:очень )?жаль|сожалею|прошу прощения|приношу извинения|"
        r"боюсь)\b",
        r"\b(?:я )?(?:не (?:могу|смогу|буду|стану|вправе|в состоянии|имею (?:права|возможности))|"
        r"мне (?:нельзя|запрещено))\b[^.!?\n]{0,30}?\b(?:помочь|"
        r"помогать|ответить|отвечать|предостав\w+|"
        r"выполнить (?:это|эту|ваш|так)\w*|обсужда\w+|поделиться (?:эт|так|инф)\w*|оказать|раскры\w+|"
        r"создать (?:это|так)\w*|да(?:ть|вать) (?:\w+ )?(?:совет|инструкц)\w*|"
        r"содейств\w+)"
        r"|\b(?:я )?не могу (?:сделать (?:это|этого)|это(?:го)? (?:сделать|обсуждать)|продолжить (?:этот|это)|"
        r"дать (?:\w+ )?консультаци\w+)|\bэто я обсуждать не могу"
        r"|\b(?:я )?отказываюсь (?:отвечать|помогать|обсуждать|это|выполнять)"
        r"|\b(?:я )?(?:вынужден\w*|должен|должна) (?:отказать|отказаться|отклонить)"
        r"|\bкак (?:ии|искусственный интеллект|языковая модель|ассистент)\b[^.\n]{0,60}\bне\b",
    ),
    "Indonesian": Phrases(
        r"(?:(?:mohon )?maaf|sayangnya|saya (?:minta|mohon) maaf|saya menyesal)\b",
        r"\b(?:saya|aku|kami) (?:tidak|tak|belum) (?:bisa|dapat|mampu|diizinkan|"
        r"boleh)(?: untuk)?\b[^.\n]{0,12}?\b(?:membantu|menjawab|memberikan|memberi"
        r"|memenuhi|menyediakan|membagikan|berbagi|membahas|melakukan (?:itu|hal)|merespons|mendukung|menanggapi)"
        r"|\b(?:saya|aku) (?:harus|terpaksa) (?:menolak)",
    ),
    "Urdu": Phrases(
        r"(?:میں )?(?:معذرت|معاف|افسوس|مجھے افسوس|بدقسمتی)[^۔\n]{0,12}",
        r"(?:میں|مجھے)?[^۔\n]{0,80}?(?:مدد|جواب|فراہم|معلومات|شیئر|تعاون)[^۔\n]{0,24}(?:نہیں (?:کر|دے) ?سک|قاصر ہوں)"
        r"|میں اس (?:بارے میں|موضوع پر) بات نہیں کر ?سک"
        r"|میں (?:یہ|ایسا|اسے)(?: درخواست پوری)? نہیں کر ?سک|بطور (?:اے آئی|ai)[^۔\n]{0,60}نہیں",
    ),
    "German": Phrases(
        r"(?:(?:es )?tut mir (?:sehr |wirklich )?leid|entschuldig\w+|verzeih\w*|leider|ich bedau\w+|"
        r"bedauerlicherweise)\b",
        r"\b(?:das |dies |dabei |damit |hier |darüber )?(?:ich (?:kann|darf|werde)|(?:kann|darf|werde) ich|"
        r"ich bin nicht in der lage)\b[^.!?\n]{0,60}?\b(?:nicht|kein\w*)\b[^.!?\n]{0,40}?"
        r"\b(?:helfen|weiterhelfen|behilflich|unterstützen|beantworten|bereitstellen|erfüllen|teilen|nachkommen|"
        r"weitergeben|preisgeben|"
        r"(?:beratung|auskunft|auskünfte|informationen|anleitung\w*|ratschläge) (?:geben|erteilen|anbieten|"
        r"liefern))\b"
        r"|\bich (?:muss|möchte)\b[^.!?\n]{0,30}\b(?:ablehnen|verweigern)\b"
        r"|\bals (?:ki|künstliche intelligenz|sprachmodell|assistent)\b[^.\n]{0,60}\b(?:nicht|kein\w*)\b",
    ),
    "Japanese": Phrases(
        r"(?:(?:大変|誠に)?申し訳(?:ありません|ございません)|すみません|すいません|恐れ入ります|残念ながら|ごめんなさい|あいにく)",
        r"[^。\n]{0,50}?(?:お答え|お手伝い|お応え|ご協力|ご支援|お力に|ご提供|ご回答|(?<=[にはを])(?:回答|提供|共有|協力))[^。\n]{0,12}?"
        r"(?:できません|できかねます|いたしかねます|致しかねます|出来ません|なれません)",
    ),
}


def _openings(languages: Iterable[str]) -> re.Pattern[str]:
    patterns = [rf"(?:{PHRASES[one].regret}[^\n]{{0,60}}?)?(?:{PHRASES[one].refusal})" for one in languages]
    return re.compile(r"\W*(?:" + unicodedata.normalize("NFKC", "|".join(patterns)) + ")", re.IGNORECASE)


_OPENING = _openings(PHRASES)
# what ASCII can hold; most texts are, and each is looked at
_ASCII_OPENING = _openings(("English", "Spanish", "French", "Portuguese", "Indonesian", "German"))
_SCRIPTS = rf"\p{{Latin}}\p{{Cyrillic}}\p{{Han}}{KANA}\p{{Devanagari}}\p{{Bengali}}\p{{Arabic}}"
_FOREIGN = regex.compile(rf"(?V1)[\p{{L}}--[{_SCRIPTS}]]")
_ARABIC_VOWELS = re.compile("[\u064b-\u0652]")


def refusing_opening(text: str) -> str | None:
    """Return how `text` begins if it begins as a refusal does; None if not."""
    if text.isascii():
        match = _ASCII_OPENING.match(text)
    else:
        match = _OPENING.match(_ARABIC_VOWELS.sub("", unicodedata.normalize("NFKC", text)).replace("’", "'"))
    return match.group().strip() if match else None


def is_script_known(text: str) -> bool:
    """Return whether most letters of `text` are of a script in which refusals are known."""
    return text.isascii() or 2 * len(_FOREIGN.findall(text)) <= sum(map(str.isalpha, text))
