from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci import re2
from mlci.shapes import LEAST_CARD, SHAPES, is_card, is_email, is_phone, luhn
from mlci.tables.patterns import python
from mlci.testing import run_check

EMAILS = [
    "a@b.de",
    "Ann.Lee+news@mail.example.co.uk",
    "call or write to ann_lee@example.org.",
    "<ann@example.com>",
    "mailto:ann@example.com?subject=x",
    "x" * 64 + "@example.com",
]
NO_EMAILS = [
    "",
    "@example.com",
    "ann@example",
    "ann at example.com",
    "logo@2x.png",
    "pandas@2.2.1",
    "@scope/package",
    "a @ b.de",
    "price: 3@4.5",
]
# numbers that payment companies give out for tests
CARDS = [
    "4111111111111111",
    "4111 1111 1111 1111",
    "4012-8888-8888-1881",
    "paid with 5555555555554444, thanks",
    "2223003122003222",
    "378282246310005",
    "3782 822463 10005",
    "30569309025904",
    "3056 930902 5904",
    "6011111111111117",
    "3530111333300000",
    "6200000000000005",
    "6759649826438453",
    "4111 1111 1111 1111 12/27",
    "4222222222222",
    "4000 0000 0000 0000 006",
]
NO_CARDS = [
    "4111111111111112",  # the check digit
    "1111111111111117",  # no issuer begins so, and the check digit is right
    "0.4111111111111111",
    "-4111111111111111",
    "4111111111111111.5",
    "41111111111111111111",
    "a4111111111111111",
    "411111111111",
    "DE89 3704 0044 0532 0130 00",
    "DE89370400440532013000",
    "FR14 2004 1010 0505 0001 3M02 606",
    "2024-01-15 10:20:30.123456",
    "20240115102030",
    "1705312800000",  # milliseconds since 1970
    "978-3-16-148410-0",
    "411-1111-1111-11111",
    "123e4567-e89b-12d3-a456-426614174000",
]
PHONES = [
    "+49 170 1234567",
    "+491701234567",
    "+49 (0)30 123456-78",
    "+1 (212) 555-0123",
    "+33 1 23 45 67 89",
    "tel:+44-20-7946-0958;",
    "(212) 555-0123",
    "call 212-555-0123.",
    "1-800-555-0199",
    "212.555.0123",
    "030 1234567",
    "0171/1234567",
    "(030) 1234567",
    "020 7946 0958",
    "01 23 45 67 89",
    "+1.212.555.0123",
]
NO_PHONES = [
    "",
    "2125550123",
    "1234567",
    "+1234567",
    "+12345678.90",
    "+1,234,567",
    "+1.234.567.890",
    "2024-01-15",
    "15.01.2024",
    "01/02/2024",
    "2024-01-15 10:20:30",
    "2024-01-15T10:20:30+02:00",
    "20240115",
    "12.34",
    "1234.5678",
    "1,234,567.89",
    "1.2.3",
    "10.12.345.6789",
    "192.168.100.200",
    "255.255.255.255",
    "123e4567-e89b-12d3-a456-426614174000",
    "DE89 3704 0044 0532 0130 00",
    "GB29 NWBK 6016 1331 9268 19",
    "4111 1111 1111 1111",
    "978-3-16-148410-0",
    "123-45-6789",
    "A-212-555-0123",
    "order 0450112233",
    "48.137154, 11.576124",
    "1.5e+10000000",
]
CASES = [
    *((is_email, "email", text, True) for text in EMAILS),
    *((is_email, "email", text, False) for text in NO_EMAILS),
    *((is_card, "card", text, True) for text in CARDS),
    *((is_card, "card", text, False) for text in NO_CARDS),
    *((is_phone, "phone", text, True) for text in PHONES),
    *((is_phone, "phone", text, False) for text in NO_PHONES),
]


@pytest.mark.parametrize(("holds", "kind", "text", "expected"), CASES, ids=[f"{c[1]} {c[2]}"[:60] for c in CASES])
def test_a_shape_is_told_from_what_looks_like_it(holds: object, kind: str, text: str, expected: bool) -> None:
    assert SHAPES[kind].holds is holds
    assert SHAPES[kind].holds(text) is expected


@pytest.mark.parametrize("kind", SHAPES)
def test_a_pattern_is_one_of_re2(kind: str) -> None:
    assert re2.problem(SHAPES[kind].pattern) == ""


@pytest.mark.parametrize(("kind", "texts"), [("email", EMAILS), ("card", CARDS), ("phone", PHONES)])
def test_a_pattern_finds_everything_that_a_closer_look_lets_through(kind: str, texts: list[str]) -> None:
    pattern = python(SHAPES[kind].pattern)
    assert [text for text in texts if not pattern.search(text)] == []
    rows = "id;text\n" + "".join(f'{number};"{text}"\n' for number, text in enumerate(texts))
    result = run_check("sensitive", {"kinds": [kind]}, files={"t.csv": rows}, dataset="t")
    assert [m.value for m in result.measurements] == [len(texts)]


digits = st.text("0123456789", min_size=1, max_size=18)


@given(digits)
def test_exactly_one_of_ten_last_digits_is_the_check_digit(number: str) -> None:
    assert sum(luhn(number + last) for last in "0123456789") == 1


@given(digits, st.data())
def test_one_wrong_digit_is_always_noticed(number: str, data: st.DataObject) -> None:
    number += next(last for last in "0123456789" if luhn(number + last))
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[place]]))
    assert not luhn(number[:place] + wrong + number[place + 1 :])


@given(st.uuids())
def test_no_uuid_is_personal_data(value: uuid.UUID) -> None:
    assert not any(shape.holds(str(value)) for shape in SHAPES.values())


@given(
    st.dates(),
    st.times(),
    st.sampled_from(["{0} {1}", "{0}T{1}", "{1} {0}", "{0:%d.%m.%Y}", "{0:%d/%m/%Y}", "{0:%m-%d-%Y}"]),
)
def test_no_moment_is_personal_data(day: object, time: object, form: str) -> None:
    assert not any(shape.holds(form.format(day, time)) for shape in SHAPES.values())


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_decimal_is_personal_data(value: float) -> None:
    assert not is_phone(f"{value:+.6f}")
    assert not is_phone(repr(value))
    assert not is_email(repr(value))
    assert not is_card(f"{value:.6f}")


@given(st.integers())
def test_no_plain_integer_is_a_phone_number(value: int) -> None:
    assert not is_phone(str(value))


@given(st.integers(0, LEAST_CARD - 1))
def test_no_short_integer_is_a_card_number(value: int) -> None:
    assert not is_card(str(value))


def test_a_long_text_is_looked_at_in_no_time() -> None:
    # no nested repeats: each of these would take for ever where a pattern had them
    for text in ("a" * 100_000, "1" * 100_000, "+1" * 50_000, "1 " * 50_000, "a." * 50_000 + "@", "a@" * 50_000):
        assert not any(shape.holds(text) for shape in SHAPES.values())
