"""Numbers of people: phone, card, IBAN.

Dates, versions, prices and numbers of orders look much like them. So a number has to be written as
phone numbers are, or to stand after a word for a phone; cards and IBANs have check digits.
"""

import re

from generation.redaction.finding import Finder, Span, first_groups, follows

_SEP = r"[ \u00a0\u202f.\-\u2011/()]"
_LONG_NUMBER = re.compile(rf"\d(?:{_SEP}{{0,3}}\d){{6}}")

_DATE = re.compile(
    r"\(?(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[./-]\d{1,2}[./-]\d{1,2})(?!\d)"
)
_PAIRS = re.compile(r"0\d([ .-])\d\d(?:\1\d\d){3}")
_THOUSANDS = re.compile(r"\+\d{1,3}(?:\.\d{3}){2,}")
_NO_COUNTRY = re.compile(r"\+1[ .-]?\(?[01]")

# A look behind comes after the first character: patterns that begin with a known one are faster.
_INTERNATIONAL = re.compile(rf"\+(?<![\w+].)[1-9](?:{_SEP}{{0,2}}\d){{7,14}}(?![\w+])")
_AMERICAN = re.compile(
    r"(?:\([2-9]\d\d\) ?|1(?<![\w./-].)[ .-]\(?[2-9]\d\d\)?[ .-]|[2-9](?<![\w./-].)\d\d[ .-])"
    r"[2-9]\d\d[ .-]\d{4}(?![\w/-]|\.\d)"
)
_NATIONAL = re.compile(
    r"(?:\(0[1-9]\d{0,4}\)[ /-]{0,2}|0(?<![\w.,:/+#-].)0?[1-9]\d{0,4}[ \u00a0./-]{1,3})\d{2,8}"
    r"(?:[ \u00a0./-]\d{2,8}){0,4}(?![\w/-]|[.,:]\d)"
)
_ANY = re.compile(rf"[\d(](?<![\w#].)(?<!\d[.,:/-].)(?:{_SEP}{{0,2}}\d){{6,14}}(?!\w)")
_WORD = re.compile(
    r"(?<!\[)\b(?:tel|phone|telephone|mobile|cell|fax|whatsapp|sms|telefon|handy|mobil|rufnummer"
    r"|tel[ée]fono|m[óo]vil|t[ée]l[ée]phone|portable)"
    r"(?: ?(?:number|no|nr|nummer|n[úu]mero|num[ée]ro))?\W{0,2}(?:is|ist|es|est)?\W{0,2}\Z",
    re.I,
)


def _international(match: re.Match[str]) -> Span | None:
    said = match.group()
    return None if _THOUSANDS.fullmatch(said) or _NO_COUNTRY.match(said) else match.span()


def _national(match: re.Match[str]) -> Span | None:
    if _DATE.match(match.group()) and not _PAIRS.match(match.group()):
        return None
    return first_groups(match, _is_national)


def _is_national(digits: str) -> bool:
    return 9 <= len(digits) <= (15 if digits.startswith("00") else 12)


def _by_word(match: re.Match[str]) -> Span | None:
    called = not _DATE.match(match.group()) and follows(match, _WORD, 32)
    return match.span() if called else None


PHONES = (
    Finder(_INTERNATIONAL, check=_international, hint=_LONG_NUMBER),
    Finder(_AMERICAN, hint=_LONG_NUMBER),
    Finder(_NATIONAL, check=_national, hint=_LONG_NUMBER),
    Finder(_ANY, check=_by_word, hint=_LONG_NUMBER),
)
"""Phone numbers by how they are written (`+49 30 123456`, `(555) 234-5678`, `030 / 123 456`), or by
what they are called (`phone: 5552345678`)."""


_CARD = re.compile(
    r"\d(?<![\w#].)(?<!\d[.,].)(?:\d{3}([ \u00a0-])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?"
    r"|\d{3}([ \u00a0-])\d{6}\2\d{4,5}|\d{12,18})(?!\w)"
)
_ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}"  # Visa
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}|35(?:2[89]|[3-8]\d)\d{12,15}"  # Amex, Diners, JCB
    r"|6(?:011|4[4-9]\d|5\d\d|2\d\d)\d{12,15}"  # Discover, UnionPay
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{9,15}"  # Maestro
)
_TWICE = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # The digits of twice a digit, added up.


def _is_card(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    reverse = [int(digit) for digit in reversed(digits)]
    checks = (sum(reverse[::2]) + sum(_TWICE[digit] for digit in reverse[1::2])) % 10 == 0
    return checks and _ISSUED.fullmatch(digits) is not None


def _card(match: re.Match[str]) -> Span | None:
    return first_groups(match, _is_card)


CARDS = Finder(_CARD, check=_card, hint=_LONG_NUMBER)
"""Numbers of payment cards: written in one or in the groups on a card, of a range that is issued,
with a right check digit."""


# From the check digits on; the country's two letters are before them.
_IBAN = re.compile(
    r"\d(?<=[A-Za-z]{2}.)(?<![A-Za-z0-9]...)\d(?:[ \u00a0-]?[A-Za-z0-9]){11,30}(?<![ \u00a0-])"
)
# The registry of ISO 13616 (SWIFT): the length of an IBAN by country.
_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def _iban(match: re.Match[str]) -> Span | None:
    start = match.start() - 2
    country = match.string[start : match.start()].upper()
    length = _LENGTHS.get(country, 99)
    places = [at for at in range(start, match.end()) if match.string[at].isalnum()]
    if len(places) < length:
        return None
    end = places[length - 1] + 1
    iban = "".join(match.string[at] for at in places[:length]).upper()
    # Letters count from A = 10 to Z = 35; the whole leaves 1 when divided by 97 (ISO/IEC 7064).
    number = int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4]))
    goes_on = match.string[end : end + 1].isalnum()
    return None if goes_on or number % 97 != 1 else (start, end)


IBANS = Finder(_IBAN, check=_iban, hint=_LONG_NUMBER)
"""IBANs of the length of their country, with right check digits."""
