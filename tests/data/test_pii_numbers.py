"""What is a phone number, an address or a card, and what only looks like one."""

import pytest

from stillhouse.data.pii_card import card_numbers
from stillhouse.data.pii_ip import ip_addresses
from stillhouse.data.pii_phone import phone_numbers

# made of the numbers that countries keep for examples, or of no one's
PHONES = """\
ph no 9876543210
call +44 20 7946 0958.
+4915123456789
+49 (0)171 1234567
+1 555 123 4567
0049 171 1234567
(415) 555-2671
(11) 91234-5678
You can reach me at 415-555-2671
415.555.2671
1-800-356-9377
call me at 4155552671 tomorrow
Tel. 0171 1234567
Rufen Sie mich unter 0171 123 45 67 an
Meine Handynummer ist 01711234567
Appelez-moi au 06 12 34 56 78
06.12.34.56.78
Mon téléphone : 0612345678
Mi número de teléfono es 612 345 678
Llámame al 612345678
meu celular é 11912345678
電話03-1234-5678まで
03-1234-5678
電話番号は０３−１２３４−５６７８です
拨打13800138000
我的手机号是138 0013 8000
给13800138000打电话
010-1234-5678로 전화 주세요
전화번호는 01012345678 입니다
मेरा फ़ोन नंबर 98765 43210 है
9876543210 पर कॉल करें
8 (495) 123-45-67
Позвоните мне: 89161234567
هاتفي 0501234567
اتصل بي على ٠٥٠ ١٢٣ ٤٥٦٧
הטלפון שלי 050-123-4567
เบอร์โทรของฉันคือ 0812345678
gọi cho tôi số 0912 345 678
telepon saya 0812-3456-7890
0532 123 45 67
020 7946 0958
zadzwoń 601 234 567
tel:+4930123456
(020 7946 0958)
+86 138 0013 8000
+91 98765 43210
+81 3-1234-5678
+971 50 123 4567
+7 916 123-45-67
+33 6 12 34 56 78
+27 82 123 4567
+234 803 123 4567
+52 55 1234 5678
+353 85 123 4567""".splitlines()

NO_PHONES = """\
A factory makes 1250 600 300 parts in 3 shifts. How many in all?
A factory makes 123456789 parts
The order 2024-11-26-0042 came at 10:30.
Find the next: 121 232 343 454 565 676
Compute 212-555-0100 - 100 in base ten
What is 900-300-1000?
What is 5 +4915123456789?
f(x) = +12345678901
3 x 4155552671
Add 0123 456 789 and 1.
1 000 000 000 + 2 000 000 000
numbers 01 02 03 04 05 06 07 08
00 12 34 56 78 90
12 34 56 78 90
Pi is 3.14159 26535 89793
Population: 1 380 004 385
The population of India is 1,428,627,663
2,147,483,647 is prime
The ISBN is 978-3-16-148410-0
ISBN: 0 19 852663 6
UPC 012345678905
Ticket 8005551234 is open
Ticket 4915 2222 333
Order no. 415-555-2671
SKU 415-555-2671
order 0012345678901
0402-0603-0805 resistors
The call center handles 4155552671 requests a year
$1250600300
on 01-02-2024 1030 people came
05.06.2023 12 rows
2024-11-27 16:24:32
timestamp 1700000000000
sha 0123456789abcdef
IP 192.168.100.200
Une usine fabrique 123 456 789 pièces
Die Fabrik stellt 4915123456 Teile her
Завод выпускает 89161234567 деталей
一家工厂生产123456789个零件
工場は123456789個を作る
공장은 1234567890개를 만든다
दुकान ने 9876543210 रुपये कमाए
Continue: 01 02 03 04 05
The pH is 7.4500000 in 12 of 30 wells
Count down: 09 08 07 06 05
المصنع ينتج 123456789 قطعة""".splitlines()


@pytest.mark.parametrize("text", PHONES)
def test_phone_numbers_with_evidence_are_found_whole(text: str) -> None:
    found = "".join(text[start:end] for start, end in phone_numbers(text))
    assert [sign for sign in found if sign.isdecimal()] == [sign for sign in text if sign.isdecimal()]


@pytest.mark.parametrize("text", NO_PHONES)
def test_phone_numbers_many_digits_without_evidence_stay(text: str) -> None:
    assert not list(phone_numbers(text))


@pytest.mark.parametrize(
    "text",
    [
        *("a::b is a scope operator", "std::vector<int> v", "listen on ::1", "x[1::2], [::2], a[::-1]", "::"),
        *("dead::beef", "fed::cafe", "face::b00c", "1:2:3:4:5:6:7:8", "12:34:56:78:90:12:34:56", "00:1A:2B:3C:4D:5E"),
        *("Version 1.2.3.4 crashed", "v1.2.3.4", "pip install foo==1.2.3.4", "foo-1.2.3.4.tar.gz", "Chrome/120.0.0.0"),
        *(
            "upgrade from 1.2.3.4 to 1.2.3.5",
            "版本1.2.3.4",
            "версия 1.2.3.4",
            "バージョン 2.0.1.4",
            "la versión 1.2.3.4",
        ),
        *("section 1.2.3.4", "1.2.3.4.5", "OID 1.3.6.1.4.1", "999.1.1.1", "127.0.0.1 and 0.0.0.0", "1.2.3.4-beta"),
        *("netmask 255.255.255.0", "255.255.254.0", "255.0.0.0"),
    ],
)
def test_ip_addresses_versions_operators_and_loopbacks_stay(text: str) -> None:
    assert not list(ip_addresses(text))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("from 10.0.0.1", "10.0.0.1"),
        ("http://203.0.113.7/a", "203.0.113.7"),
        ("ssh root@198.51.100.2.", "198.51.100.2"),
        ("version 3 runs on 192.0.2.1", "192.0.2.1"),
        ("地址是203.0.113.7", "203.0.113.7"),
        ("2001:db8::1 answers", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:80", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
        ("fd12:3456:789a::1", "fd12:3456:789a::1"),
    ],
)
def test_ip_addresses_of_somebody_are_found(text: str, address: str) -> None:
    assert [text[start:end] for start, end in ip_addresses(text)] == [address]


@pytest.mark.parametrize(
    ("text", "number_found"),
    [
        ("card 4111 1111 1111 1111", 1),
        ("5555555555554444, 3782 822463 10005 and 6011-1111-1111-1117", 3),
        ("我的卡号是4111111111111111", 1),
        ("card 4111 1111 1111 1112", 0),  # its check digit is wrong
        ("What is 4111111111111111 divided by 3?", 0),
        ("4111111111111111 + 1", 0),
        ("at 1700000000004 ms", 0),  # Luhn holds, and no issuer's numbers begin so
        ("4111 111 111 1111", 0),
    ],
)
def test_card_numbers_of_an_issuer_with_a_checksum_are_found(text: str, number_found: int) -> None:
    assert len(list(card_numbers(text))) == number_found
