"""Words that say what the number beside them is, in the languages that most people write.

Digits alone do not say whether they are a phone number, a sum or an order. `_` is a place for a space or a hyphen;
scripts that put no space between words are searched without word borders.
"""

import regex

_PHONE = (
    r"phone telephone tel tels cell cell_phone mobile call calling dial ring fax whats_app sms text hotline "
    r"helpline viber telegram landline reach contact phone_number ph_no ph_number "
    r"t[ée]l t[ée]l[ée]phone portable appel(?:ez|er|le) joindre joignable "
    r"telefon\w* telefoon handy\w* mobil\w* mobiel rufnummer\w* anruf\w* ruf(?:en|e)? erreich\w* festnetz bel "
    r"tel[ée]fono?s? telefone celular\w* cellulare cel m[óo]vil fone lig(?:ue|ar|a) ll[áa]m\w* chiam\w* "
    r"kontakt\w* contacto contato contatto gsm tlf ring[ea] puh puhelin\w* soita hívj\w* zadzwo\w* kom[óo]rk\w* "
    r"telepon hubungi no_hp hp simu cep ara arayın đt sđt gọi điện_thoại di_động "
    r"тел телефон\w* (?:по)?звони\w* моб мобильн\w* мобільн\w* сотов\w* (?:по)?дзвон\w* τηλ τηλέφων\w* κινητό "
    r"(?:ال)?هاتف\w* (?:ال)?جوال\w* موبايل\w* اتصل\w* تليفون\w* "
    r"تلفن موبایل تماس واتساب فون موبائل ה?טלפון ה?נייד התקשר\w*"
)
_PHONE_UNSPACED = (
    "電話 电话 手机 手機 拨打 撥打 致电 致電 热线 熱線 携帯 連絡先 联系方式 전화 휴대폰 핸드폰 연락 โทร มือถือ เบอร์ "
    "फोन फ़ोन मोबाइल कॉल संपर्क व्हाट्सएप ফোন মোবাইল தொலைபேசி"
)
_VERSION = (
    r"v ver version\w* versi[óo]n\w* vers[ãa]o vers[õo]es versione\w* versiune\w* verze wersj\w* versio\w* sürüm\w* "
    r"release\w* build firmware patch upgrade\w* update\w* downgrade\w* section abschnitt secci[óo]n sezione chapter "
    r"oid rev revision версі\w* верси\w* раздел إصدار الإصدار نسخة نسخه phiên_bản versi"
)
_VERSION_UNSPACED = "版本 バージョン 버전 संस्करण เวอร์ชัน"
_SUM = (
    r"add adds plus minus times mod modulo divided_by multiplied_by divide multiply subtract compute calculate "
    r"evaluate simplify solve sum_of product_of what_is what's how_much_is "
    r"mal geteilt_durch berechne was_ist addiere fois divis[ée]_par calcule[rz]? calcul[ao] por dividido m[áa]s mais "
    r"menos pi[uù] meno diviso вычисли\w* плюс минус сколько_будет"
)
_SUM_UNSPACED = "計算 计算 加 減 减 乘 除以 たす ひく かける わる 더하기 빼기 곱하기 나누기 계산"


def _pattern(spaced: str, unspaced: str) -> str:
    words = "|".join(spaced.split()).replace("_", "[ -]?")
    return rf"(?:(?<!\p{{L}})(?:{words})(?!\p{{L}})|{'|'.join(unspaced.split())})"


PHONE, VERSION, SUM = (
    _pattern(_PHONE, _PHONE_UNSPACED),
    _pattern(_VERSION, _VERSION_UNSPACED),
    _pattern(_SUM, _SUM_UNSPACED),
)
PHONE_WORD = regex.compile(PHONE, regex.IGNORECASE)
