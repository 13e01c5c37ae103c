"""Shapes of personal data in texts: e-mail addresses, card numbers, phone numbers.

Each shape is looked for twice: by a pattern (RE2) that every engine can search a whole column for, and that takes a
little too much; and by ``holds``, which looks closely at a few of the values that the pattern took.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of personal data."""

    words: str
    pattern: str
    holds: Callable[[str], bool]
    least: float
    """The share of the values looked at that must hold for the column to count; what holds by chance stays below."""


LEAST_CARD = 10**12
"""The least number of 13 digits, which is how many a card number has at least."""

# RFC 5321 bounds the local part to 64 and a label to 63; a domain has a dot and ends in letters
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![\w@-])"
)
# names of files that look like addresses: logo@2x.png
_FILES = ("avif", "bmp", "css", "gif", "html", "ico", "jpeg", "jpg", "js", "json", "pdf", "png", "svg", "webp")

# as cards print it: together, in fours (19 digits: and three), 4-6-5 (American Express), 4-6-4 (Diners Club)
_CARD = re.compile(
    r"(?<![0-9A-Za-z.,_+-])(?<![0-9] )(?:[0-9]{13,19}|[0-9]{4}([ -])(?:[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?"
    r"|[0-9]{6}\1[0-9]{4,5}))(?![0-9A-Za-z_]|[ -][0-9]{4}|[.,][0-9])"
)
# first digits and lengths of the issuers (ISO/IEC 7812): Visa, Mastercard, American Express, Diners Club, Discover,
# JCB, UnionPay, Maestro
_ISSUERS = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}"
    r"|(?:6011|65[0-9]{2}|64[4-9][0-9])[0-9]{12}|35(?:2[89]|[3-8][0-9])[0-9]{12}"
    r"|62[0-9]{14,17}|(?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{9,15}"
)

_PHONES = (
    r"\+[1-9](?:[ ./-]{0,2}(?:\(0?[0-9]{0,4}\))?[ ./-]{0,2}[0-9]){6,14}",  # E.164: +49 (0)170 1234567
    r"(?:1[ .-])?\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ .-][0-9]{4}",  # North America: (212) 555-0123
    r"(?:1[ .-])?[2-9][0-9]{2}[ .-][2-9][0-9]{2}[ .-][0-9]{4}",  # 212-555-0123
    r"\(0[1-9][0-9]{1,3}\) ?[0-9]{3,4}[ -]?[0-9]{3,4}",  # with a trunk zero: (030) 1234567
    r"0[1-9][0-9]{1,3} ?[ /] ?[0-9]{3,4}[ -]?[0-9]{3,5}",  # 030 1234567, 0171/1234567
    r"0[1-9](?:[ .][0-9]{2}){4}",  # in pairs: 01 23 45 67 89
)
_PHONE = re.compile(
    rf"(?<![0-9A-Za-z.,+_/-])(?<![0-9] )(?:{'|'.join(_PHONES)})(?![0-9A-Za-z_/]|[ .,:-]?[0-9]|-[A-Za-z])"
)
# with a sign before it: a whole number, a decimal, one in groups of three
_NUMBER = re.compile(r"\+(?:[0-9]{1,8}|[0-9]+[.,][0-9]+|[0-9]{1,3}(?:[.,][0-9]{3})+)")


def is_email(text: str) -> bool:
    """Whether a text holds an e-mail address."""
    domains = (match.group(1).lower() for match in _EMAIL.finditer(text))
    return any(domain.rpartition(".")[2] not in _FILES for domain in domains)


def is_card(text: str) -> bool:
    """Whether a text holds a card number: an issuer's first digits, printed as cards are, the check digit right."""
    found = (re.sub("[ -]", "", match.group()) for match in _CARD.finditer(text))
    return any(_ISSUERS.fullmatch(digits) is not None and luhn(digits) for digits in found)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it. One in ten numbers has it right by chance.

    Source: ISO/IEC 7812-1, annex B.
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def is_phone(text: str) -> bool:
    """Whether a text holds a phone number that shows it: by a plus, or by separators where phone numbers have them."""
    return any(_NUMBER.fullmatch(match.group()) is None for match in _PHONE.finditer(text))


SHAPES = {
    "email": Shape("e-mail addresses", r"[A-Za-z0-9._%+-]@[A-Za-z0-9-][A-Za-z0-9.-]*\.[A-Za-z]{2}", is_email, 0.0),
    "card": Shape(
        "card numbers",
        r"(?:^|[^0-9A-Za-z.,_+-])(?:[3-6][0-9]|2[2-7])[0-9]{2}[ -]?[0-9]{4}[ -]?[0-9]{2}[ -]?[0-9]{2}[ -]?[0-9]",
        is_card,
        0.25,
    ),
    "phone": Shape(
        "phone numbers", rf"(?:^|[^0-9A-Za-z.,+_/-])(?:{'|'.join(_PHONES)})(?:$|[^0-9A-Za-z_/])", is_phone, 0.0
    ),
}
