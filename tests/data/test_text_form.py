"""Text files that are not UTF-8, or whose cells are parted by something else than commas."""

import base64
import csv
import io
import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stillhouse.data.encoding import MIN_CERTAINTY, guess
from stillhouse.data.quarantine import check_quarantined
from stillhouse.data.read import read
from stillhouse.data.sources import resolve
from stillhouse.data.summaries import ReadSummary
from stillhouse.errors import DataError
from stillhouse.recipe.data import Columns, Source

TEXTS = {
    "de": "Können Sie die Rechnung prüfen?|Ich möchte das zurückgeben|Die Größe für Käufer ist falsch|Überweisung",
    "fr": "Le colis a été livré à la mauvaise adresse|La référence est erronée|Ça ne marche pas|L’été à la forêt",
    "es": "El niño no recibió su pedido|¿Dónde está mi devolución?|La dirección de envío|mañana llamaré otra vez",
    "pl": "Paczka nie dotarła, proszę o zwrot pieniędzy|Gdzie jest moje zamówienie?|Źle naliczono opłatę|Zażółć gęślą",
    "cs": "Příliš žluťoučký kůň|Zásilka nebyla doručena|chci vrátit peníze|Kde je moje objednávka?|ďábelské ódy",
    "tr": "Siparişim nerede?|Paket gelmedi, paramı geri istiyorum|Yanlış adres girilmiş|Çok teşekkürler, düzeltin",
    "sv": "Jag vill lämna tillbaka varan|Paketet har inte kommit ännu|Var är min beställning?|För sent på dagen",
    "ru": "Где мой заказ?|Посылка не пришла|верните деньги|Неправильный адрес доставки|прошу исправить|Спасибо",
    "uk": "Де моє замовлення?|Посилка не прийшла|поверніть гроші|Неправильна адреса доставки|Дякую їм за це",
    "el": "Πού είναι η παραγγελία μου;|Το δέμα δεν έφτασε|θέλω τα χρήματά μου πίσω",
    "he": "איפה ההזמנה שלי?|החבילה לא הגיעה|אני רוצה את הכסף בחזרה",
    "ar": "أين طلبي؟|لم تصل الحزمة|أريد استعادة أموالي|العنوان خاطئ",
    "th": "คำสั่งซื้อของฉันอยู่ที่ไหน|พัสดุยังไม่มาถึง|ฉันต้องการเงินคืน",
    "ja": "私の注文はどこですか。|荷物が届いていません|返金してください。|住所が間違っています。|カードが使えません",
    "zh": "我的订单在哪里？|包裹没有送到|请退款。|地址写错了|麻烦更正一下|银行卡不能用",
    "ko": "제 주문은 어디에 있나요?|소포가 도착하지 않았습니다.|환불해 주세요.|주소가 잘못되었습니다.",
}
OLD = [
    *(("de", name) for name in ("cp1252", "latin-1", "cp850", "mac_roman")),
    *(("fr", name) for name in ("cp1252", "mac_roman")),
    *(("es", name) for name in ("cp1252", "latin-1", "cp850")),
    *((language, name) for language in ("pl", "cs") for name in ("cp1250", "iso8859-2")),
    *(("ru", name) for name in ("cp1251", "koi8-r", "cp866", "iso8859-5")),
    *(("uk", "cp1251"), ("tr", "cp1254"), ("el", "cp1253"), ("he", "cp1255"), ("ar", "cp1256"), ("th", "cp874")),
    *(("sv", "cp850"), ("ru", "mac_cyrillic"), ("ar", "iso8859-6"), ("ja", "iso2022_jp")),
    *(("ja", "shift_jis"), ("ja", "euc_jp"), ("zh", "gb18030"), ("zh", "gbk"), ("ko", "euc_kr")),
]
WIDE = [(language, name) for language in ("de", "ru", "zh") for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32")]


def texts_of(language: str) -> list[str]:
    return TEXTS[language].split("|")


def csv_bytes(texts: list[str], encoding: str, *, delimiter: str = ",", header: str = "texte") -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerows([["id", header, "label"], *([str(at), text, "ab"[at % 2]] for at, text in enumerate(texts))])
    return buffer.getvalue().encode(encoding)


def read_file(path: Path, text: str = "texte", **source: Any) -> tuple[ReadSummary, list[str]]:
    made = Source(path=str(path), columns=Columns(text=text, label="label"), **source)
    summary = read(made, resolve(made), "train", path.parent / "out")
    rows = pq.read_table(path.parent / "out" / "rows.parquet").to_pylist()
    return summary, [row["messages"][0]["content"] for row in rows]


@pytest.mark.parametrize(("language", "encoding"), OLD + WIDE)
def test_read_csv_in_another_encoding_gives_its_texts_and_says_so(tmp_path: Path, language: str, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(csv_bytes(texts_of(language), encoding))
    summary, found = read_file(tmp_path / "a.csv")
    assert found == texts_of(language)
    assert "certainty" in summary.forms[str(tmp_path / "a.csv")]


EASTERN = [
    *(("ja", name) for name in ("shift_jis", "euc_jp")),
    *(("zh", name) for name in ("gb18030", "gbk")),
    *(("ko", name) for name in ("euc_kr", "cp949")),
    ("th", "cp874"),
]


@pytest.mark.parametrize(("language", "encoding"), EASTERN)
def test_guess_few_eastern_lines_are_read_right_or_guessed_without_certainty(language: str, encoding: str) -> None:
    """What must not be is a wrong text that passes as certain: Japanese was read as Korean, and Chinese as Thai."""
    for pair in itertools.combinations(texts_of(language), 2):
        found = guess("\n".join(pair).encode(encoding))
        assert found is not None
        is_right = "\n".join(pair).encode(encoding).decode(found.name, "replace") == "\n".join(pair)
        assert is_right or found.certainty < MIN_CERTAINTY, (pair, found)


@pytest.mark.parametrize(("language", "encoding"), [("de", "cp1252"), ("ru", "koi8-r"), ("ja", "shift_jis"), *WIDE])
def test_read_json_lines_in_another_encoding_gives_its_texts(tmp_path: Path, language: str, encoding: str) -> None:
    lines = [json.dumps({"texte": text, "label": "a"}, ensure_ascii=False) for text in texts_of(language)]
    (tmp_path / "a.jsonl").write_bytes("\n".join(lines).encode(encoding))
    assert read_file(tmp_path / "a.jsonl")[1] == texts_of(language)


def test_read_encoding_is_judged_by_the_whole_file(tmp_path: Path) -> None:
    plain = [f"message number {i} without an accent" for i in range(40_000)]
    (tmp_path / "a.csv").write_bytes(csv_bytes(plain + texts_of("de"), "cp1252"))
    assert read_file(tmp_path / "a.csv")[1][-4:] == texts_of("de")


def test_read_encoding_field_counts_more_than_what_is_detected(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(csv_bytes(["f\xfc\xdf"], "latin-1"))
    assert read_file(tmp_path / "a.csv", encoding="cp437")[1] == ["f\xfc\xdf".encode("latin-1").decode("cp437")]


def test_read_header_in_another_encoding_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(csv_bytes(texts_of("fr"), "cp1252", delimiter=";", header="Référence"))
    assert read_file(tmp_path / "a.csv", text="Référence")[1] == texts_of("fr")


def test_read_header_in_an_unsure_encoding_is_refused_with_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"t\xe9xte,label\na,b\n")
    with pytest.raises(DataError, match=r"header of .* can't be read: .*Set `encoding`") as refused:
        read_file(tmp_path / "a.csv")
    str(refused.value).encode()  # no lone surrogate, which could not be printed


def test_read_few_stray_bytes_in_utf8_are_quarantined_as_they_were(tmp_path: Path) -> None:
    good = csv_bytes(texts_of("de") * 10, "utf-8")
    (tmp_path / "a.csv").write_bytes(good + b"9,broken \xff\xfe,b\r\n")
    summary, found = read_file(tmp_path / "a.csv")
    assert (len(found), summary.quarantined, summary.forms) == (40, {"not_utf8": 1}, {})


def test_read_stray_bytes_in_another_encoding_keep_the_bytes_of_the_file(tmp_path: Path) -> None:
    body = csv_bytes(texts_of("de") * 10, "cp1252") + b"9,broken \x81 \xfc,b\r\n"  # 0x81 is nothing in cp1252
    (tmp_path / "a.csv").write_bytes(body)
    summary, _ = read_file(tmp_path / "a.csv", encoding="cp1252")
    (entry,) = map(json.loads, (tmp_path / "out" / "quarantine.jsonl").read_bytes().splitlines())
    assert (summary.quarantined, entry["line"]) == ({"wrong_encoding": 1}, 42)
    assert base64.b64decode(entry["raw"]) == b"9,broken \x81 \xfc,b\r"


def test_read_unsure_encoding_stops_at_the_limit_with_the_guess(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"texte,label\ncaf\xe9,b\nbar,a\n")
    summary, _ = read_file(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"not_utf8: 1.*a guess is cp1252 \(certainty 0\.\d+\).*Set `encoding` of this"):
        check_quarantined(summary, "train", 0.05, tmp_path / "quarantine.jsonl")


def test_read_wide_characters_cut_short_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(csv_bytes(texts_of("de"), "utf-16")[:-1])
    with pytest.raises(DataError, match=r"a\.csv can't be read as utf-16-le"):
        read_file(tmp_path / "a.csv")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_read_csv_delimiter_is_found_among_the_others_in_texts(tmp_path: Path, delimiter: str) -> None:
    texts = ["one, two; three | four\tfive", 'a "quoted" text', "two\nlines; and, more", "plain", "1,5; 2,5"] * 3
    (tmp_path / "a.csv").write_bytes(csv_bytes(texts, "utf-8-sig", delimiter=delimiter))
    summary, found = read_file(tmp_path / "a.csv")
    assert (found, summary.quarantined) == (texts, {})


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"sep=;\r\ntexte;label\r\na,b;x\r\n", ["a,b"]),  # Excel's own mark
        (b"texte\tlabel\rone\tx\rtwo\ty\r", ["one", "two"]),
        (b"label;texte, lang\nx;a, b\ny;c\n", ["a, b", "c"]),
    ],
)
def test_read_csv_dialects(tmp_path: Path, body: bytes, found: list[str]) -> None:
    (tmp_path / "a.csv").write_bytes(body)
    text = "texte, lang" if b"lang" in body else "texte"
    assert read_file(tmp_path / "a.csv", text=text)[1] == found


def test_read_tsv_by_name_and_delimiter_by_field(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"texte\tlabel\none\tx\n")
    (tmp_path / "b.csv").write_bytes(b"texte:label\none:x\n")
    assert read_file(tmp_path / "a.tsv")[1] == read_file(tmp_path / "b.csv", delimiter=":")[1] == ["one"]


@pytest.mark.parametrize("value", ["tab", "\t", "\\t"])
def test_source_delimiter_tab_can_be_written_in_three_ways(value: str) -> None:
    assert Source(path="x", columns=Columns(text="t"), delimiter=value).delimiter == "\t"


@pytest.mark.parametrize(
    "fields", [{"delimiter": "::"}, {"delimiter": '"'}, {"encoding": "utf-9"}, {"encoding": "hex"}]
)
def test_source_unknown_delimiter_or_encoding_is_refused_with_what_to_write(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="write one such as"):
        Source(path="x", columns=Columns(text="t"), **fields)
