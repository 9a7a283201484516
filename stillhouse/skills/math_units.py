"""Units of measure and words for numbers, as answers to word problems have them."""

from fractions import Fraction
from typing import NamedTuple


class Unit(NamedTuple):
    """`factor` of these are one of the dimension's base unit; units of other dimensions never compare."""

    dimension: str
    factor: Fraction


def _units(dimension: str, table: dict[str, str]) -> dict[str, Unit]:
    return {name: Unit(dimension, Fraction(factor)) for factor, names in table.items() for name in names.split()}


_LENGTH = {
    "1": "m meter meters metre metres метр метров метра 米 メートル मीटर متر",
    "1000": "km kms kilometer kilometers kilometre kilometres км километров километра 公里 千米 キロ",
    "1/100": "cm centimeter centimeters centimetre centimetres см 厘米 センチ",
    "1/1000": "mm millimeter millimeters millimetre millimetres мм 毫米",
    "1609344/1000000": "mi mile miles",
    "9144/10000": "yd yard yards",
    "3048/10000": "ft foot feet",
    "254/10000": "inch inches",
}
_SQUARES = {
    f"{name}^{power}": (name, power) for names in _LENGTH.values() for name in names.split() for power in (2, 3)
}
_LENGTHS = _units("length", _LENGTH)

# keys are lower case; a symbol whose case tells units apart is not in here
UNITS: dict[str, Unit] = {
    **_LENGTHS,
    **{name: Unit(f"length^{power}", _LENGTHS[base].factor ** power) for name, (base, power) in _SQUARES.items()},
    **{f"{word} {name}": Unit(f"length^{power}", unit.factor**power)
       for word, power in (("square", 2), ("sq", 2), ("sq.", 2), ("cubic", 3)) for name, unit in _LENGTHS.items()},
    **_units("mass", {
        "1": "g gram grams gramme grammes грамм граммов 克 グラム",
        "1000": "kg kgs kilo kilos kilogram kilograms кг килограмм килограммов 公斤 千克 キログラム",
        "1/1000": "mg milligram milligrams", "1000000": "tonne tonnes", "45359237/100000": "lb lbs pound pounds",
        "28349523125/1000000000": "oz ounce ounces",
    }),
    **_units("time", {
        "1": "s sec secs second seconds секунд 秒", "60": "min mins minute minutes minuten минут минуты 分钟 分",
        "3600": "h hr hrs hour hours stunden stunde horas heures час часа часов 小时 時間",
        "86400": "day days tage tag días jours день дня дней 天 日", "604800": "week weeks 周 週間",
    }),
    **_units("months", {"1": "month months 个月 か月", "12": "year years yr yrs 年"}),
    **_units("volume", {
        "1": "l liter liters litre litres литр литров 升", "1/1000": "ml milliliter milliliters millilitres 毫升",
        "3785411784/1000000000": "gallon gallons gal", "473176473/1000000000": "pint pints",
        "946352946/1000000000": "quart quarts",
    }),
    **_units("speed", {"1": "m/s", "1000/3600": "km/h kmh kmph kph", "1609344/3600000": "mph"}),
    **_units("angle", {"1": "degree degrees deg ^\\circ ^{\\circ}"}),
    **_units("celsius", {"1": "°c ^\\circc celsius"}), **_units("fahrenheit", {"1": "°f ^\\circf fahrenheit"}),
    **_units("radian", {"1": "radian radians rad"}),
    **_units("percent", {"1": "% \\% percent percentage"}),
    **_units("dollar", {"1": "$ \\$ us$ dollar dollars usd bucks", "1/100": "cent cents ¢ penny pennies"}),
    **_units("euro", {"1": "€ euro euros eur"}), **_units("sterling", {"1": "£ gbp quid", "1/100": "pence"}),
    **_units("yuan or yen", {"1": "¥ 元 円 yen yuan jpy cny rmb"}),
    **_units("rupee", {"1": "₹ rs rs. rupee rupees inr रुपये रुपए রুপি روپے", "1/100": "paise"}),
    **_units("rouble", {"1": "₽ rub рублей рубль рубля"}), **_units("real", {"1": "r$ brl reais"}),
    **_units("won", {"1": "₩ krw won 원"}), **_units("franc", {"1": "chf franken"}), **_units("lira", {"1": "₺"}),
    **_units("zloty", {"1": "zł pln"}), **_units("krona", {"1": "kr sek nok dkk"}), **_units("taka", {"1": "৳ টাকা"}),
}  # fmt: skip
# money before a number
CURRENCY = r"(?:us\$|r\$|\\?\$|[€£¥₹₽₩₺৳]|(?:usd|eur|gbp|inr|rs\.?|chf|jpy|cny|rmb|krw|brl|rub)(?=\s?\d))"
UNITS |= {
    "per cent": UNITS["%"],
    **{f"{word} {scale}": UNITS[scale] for word in ("degree", "degrees") for scale in ("celsius", "fahrenheit")},
    **{f"{long} per {time}": UNITS[symbol] for long, time, symbol in (
        ("kilometers", "hour", "km/h"), ("kilometres", "hour", "km/h"), ("km", "hour", "km/h"),
        ("miles", "hour", "mph"),
        ("meters", "second", "m/s"), ("metres", "second", "m/s"))},
}  # fmt: skip

SCALES = {
    name: factor
    for factor, names in {
        12: "dozen dozens", 100: "hundred hundreds 百",
        10**3: "thousand thousands k tausend mil mille тысяч тысячи тысяча ribu ألف हजार हज़ार হাজার ہزار 千",
        10**4: "万 萬", 10**5: "lakh lakhs lac लाख লাখ لاکھ",
        10**6: "million millions millionen millones millón milhão milhões миллион миллиона миллионов juta مليون",
        10**7: "crore crores करोड़ কোটি کروڑ", 10**8: "亿 億",
        10**9: "billion billions bn milliarde milliarden milliard milliards bilhão bilhões миллиард "
        "миллиарда миллиардов miliar مليار",
        10**12: "trillion trillions 兆",
    }.items()
    for name in names.split()
}  # fmt: skip

PARTS = {
    name: Fraction(1, part)
    for part, names in {
        2: "half halves", 3: "third thirds", 4: "quarter quarters fourth fourths", 5: "fifth fifths", 6: "sixth sixths",
        7: "seventh sevenths", 8: "eighth eighths", 9: "ninth ninths", 10: "tenth tenths", 12: "twelfth twelfths",
        100: "hundredth hundredths", 1000: "thousandth thousandths",
    }.items()
    for name in names.split()
}  # fmt: skip
POWERS = {"squared": 2, "cubed": 3}
