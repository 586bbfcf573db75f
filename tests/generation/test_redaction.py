"""Redaction: what is found, what is left alone, and how long it takes at the worst."""

import ipaddress
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from generation.errors import ConfigurationError
from generation.redaction import BUILT_IN, Redactor, Rule

EVERYTHING = Redactor()

FOUND = [
    ("Write to john.doe+x@mail.example.co.uk!", "Write to [email]!"),
    ("<Jürgen@müller.de>, 'ada@b.io'", "<[email]>, '[email]'"),
    ("o'brien@x.com said support@example.com[1].", "[email] said [email][1]."),
    ("+49 30 1234567 and +1 (555) 234-5678", "[phone] and [phone]"),
    ("+49 (0) 30 123456-78 or 0049 30 123456", "[phone] or [phone]"),
    ("(555) 234-5678, 555-234-5678, 555.234.5678", "[phone], [phone], [phone]"),
    ("1-800-455-1234", "[phone]"),
    ("030 / 123 456 78; (030) 123456; 0171-1234567", "[phone]; [phone]; [phone]"),
    ("01 23 45 67 89 or 01.12.45.67.89", "[phone] or [phone]"),
    ("020 7946 0958", "[phone]"),
    ("my phone number is 5552345678", "my phone number is [phone]"),
    ("Tel.: 12345678, WhatsApp 0151 23456789", "Tel.: [phone], WhatsApp [phone]"),
    ("4111 1111 1111 1111 or 4111111111111111", "[card] or [card]"),
    ("3782-822463-10005 and 5555 5555 5555 4444", "[card] and [card]"),
    ("1234 4111 1111 1111 1111 25 pieces", "1234 [card] 25 pieces"),
    ("DE89 3704 0044 0532 0130 00 BIC COBADEFF", "[iban] BIC COBADEFF"),
    ("GB29NWBK60161331926819, nl91abna0417164300.", "[iban], [iban]."),
    ("FR14 2004 1010 0505 0001 3M02 606", "[iban]"),
    ("from 203.0.113.7:8080 and 10.0.0.0/24", "from [ipv4]:8080 and [ipv4]/24"),
    ("at 2001:db8::1: no answer", "at [ipv6]: no answer"),
    ("fe80::1ff:fe23:4567:890a, ::ffff:1.2.3.4", "[ipv6], [ipv6]"),
    ("https://ada:p@ss@host.example/x", "https://[url_credentials]@host.example/x"),
    ("postgres://u:p@db:5432/x", "postgres://[url_credentials]@db:5432/x"),
    ("key AKIAIOSFODNN7EXAMPLE", "key [aws_key]"),
    ("and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY.", "and [aws_key]."),
    ("password: hunter22, then", "password: [secret], then"),
    ("?access_token=abc123def456&x=1", "?access_token=[secret]&x=1"),
    ('{"api_key": "abc-123-def"}', '{"api_key": "[secret]"}'),
    ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [secret]"),
    ("ghp_" + "a1B2" * 9, "[secret]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_1", "[secret]"),
    (
        "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb",
        "a\n[secret]\nb",
    ),
]

LEFT_ALONE = [
    "Order 4711-2233-4455 of 2026-11-25, order 12345678, #1234567890, INC-0012345678",
    "114-1234567-1234567 and 1Z999AA10123456784, EAN 4006381333931, ISBN 978-3-16-148410-0",
    "Version 10.15.7, version 1.2.3.4, 10.0.19041.1288, v1.2.3.4, see section 4.2.1.3",
    "25.11.2026 12:30:45, 01.02.2026 1234, 05/12/2026 10:30, 2026-11-25T10:00:00+0100",
    "1,234,567.89 or 1.234.567,89 or 12 345 678; +20.000.000 downloads, +10 000 000 more",
    "1764060000000, 1764060000000000, 0.4111111111111111",
    "123e4567-e89b-12d3-a456-426614174000, da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "4111 1111 1111 1112 fails the check, GB29NWBK60161331926818 as well",
    "std::vector, Abc::Def, a::b, 00:1a:2b:3c:4d:5e, 127.0.0.1, ::1, 255.255.255.0",
    "logo@2x.png, @scope/pkg@1.2.3, hi @ada.example",
    "Password: required. Your password must have 8 characters; token: see below",
    "https://example.com/help/Center/Articles/HowToPay/2026/Guide1?b=c:d",
    "mobile 2026.11.25, 192 kbit/s, 44100 Hz, GPT-4 32768",
]


@pytest.mark.parametrize(("text", "redacted"), FOUND)
def test_personal_data_and_secrets_are_replaced_by_what_they_are(text: str, redacted: str) -> None:
    assert EVERYTHING.text(text) == redacted


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_only_looks_alike_is_left_alone(text: str) -> None:
    assert EVERYTHING.text(text) == text


def test_only_the_rules_that_are_named_are_applied() -> None:
    text = "ada@example.com, 203.0.113.7"
    assert Redactor(("ipv4",)).text(text) == "ada@example.com, [ipv4]"
    assert Redactor(()).text(text) == text


def test_rules_of_ones_own_come_first() -> None:
    rules = (
        "email",
        Rule(name="customer", pattern=r"\bC-\d++"),
        Rule(name="staff", pattern=r"\w++@example\.com", replace="(one of us)"),
    )
    text = "C-4711 wrote ada@example.com and bob@example.org"
    assert Redactor(rules).text(text) == "[customer] wrote (one of us) and [email]"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (("e-mail",), "there is no rule 'e-mail'; built in are url_credentials, aws_key, .*phone"),
        (("email", "email"), "there are 2 redaction rules named 'email'"),
        (("card", Rule(name="card", pattern="a")), "there are 2 redaction rules named 'card'"),
        ((Rule(name="a", pattern="("),), "the redaction rule 'a': .* is no regular expression: .*"),
        ((Rule(name="a", pattern="x*"),), "the redaction rule 'a': 'x.' matches where there is"),
        ((Rule(name="a", pattern="a"),), r"'a' matches its own replacement '\[a\]'"),
    ],
)
def test_rules_that_are_not_valid_are_refused(rules: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Redactor(rules)


@pytest.mark.parametrize("wrong", [{"name": "a b"}, {"pattern": ""}, {"with": "x"}])
def test_a_rules_fields_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rule(**({"name": "a", "pattern": "x"} | wrong))


def test_every_string_of_a_value_is_redacted_and_nothing_else() -> None:
    value = {"a@b.io": ["ada@b.io", 4111111111111111, None, {"x": "203.0.113.7"}], "y": (True, "z")}
    assert EVERYTHING.value(value) == {
        "a@b.io": ["[email]", 4111111111111111, None, {"x": "[ipv4]"}],
        "y": (True, "z"),
    }
    assert value["y"] == (True, "z")


def luhn(digits: str) -> str:
    doubled = sum(
        sum(divmod(2 * int(d), 10)) if i % 2 == 0 else int(d) for i, d in enumerate(digits[::-1])
    )
    return digits + str(-doubled % 10)


def iban(country: str, account: str) -> str:
    digits = "".join(str(int(char, 36)) for char in f"{account}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{account}"


def grouped(number: str, separator: str) -> str:
    return separator.join(number[at : at + 4] for at in range(0, len(number), 4))


WORDS = [
    "please",
    "help",
    "with",
    "the",
    "invoice",
    "my",
    "tablet",
    "since",
    "Zürich",
    "costs",
    "on",
]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
separators = st.sampled_from(["", " ", "-"])
names = st.text(LETTERS, min_size=1, max_size=12)

emails = st.builds(
    "{}.{}@{}.{}".format, names, names, names, st.sampled_from(["com", "de", "co.uk"])
)
cards = st.builds(
    lambda digits, separator: grouped(luhn("4" + digits), separator),
    st.text("0123456789", min_size=14, max_size=14),
    separators,
)
ibans = st.builds(
    lambda account, separator: grouped(iban("DE", account), separator),
    st.text("0123456789", min_size=18, max_size=18),
    separators,
)
phones = st.builds(
    "+{} {} {}".format, st.integers(20, 99), st.integers(100, 999), st.integers(10000, 9999999)
)
addresses = st.ip_addresses().filter(
    lambda ip: not ip.is_loopback and not ip.is_unspecified and ip.packed[0] != 255
)


def has_digit(address: "ipaddress.IPv4Address | ipaddress.IPv6Address") -> bool:
    return any(char.isdecimal() for char in str(address))


@settings(deadline=None)
@given(before=words, after=words, data=emails | cards | ibans | phones)
def test_personal_data_is_found_in_any_sentence(before: str, after: str, data: str) -> None:
    redacted = EVERYTHING.text(f"{before} {data}, {after}")
    assert redacted in [
        f"{before} [{name}], {after}" for name in ("email", "card", "iban", "phone")
    ]


@settings(deadline=None)
@given(before=words, after=words, address=addresses.filter(has_digit))
def test_ip_addresses_are_found_in_any_sentence(before: str, after: str, address: Any) -> None:
    redacted = EVERYTHING.text(f"{before} {address} {after}")
    assert redacted == f"{before} [ipv{address.version}] {after}"


harmless = st.one_of(
    st.dates().map(str),
    st.dates().map(lambda day: f"{day:%d.%m.%Y}"),
    st.dates().map(lambda day: f"{day:%d/%m/%Y}"),
    st.times().map(lambda time: f"{time:%H:%M:%S}"),
    st.datetimes().map(lambda time: f"{time.isoformat()}Z"),
    st.uuids().map(str),
    st.integers(0, 10**12 - 1).map(lambda number: f"order {number}"),
    st.integers(0, 10**12 - 1).map(lambda number: f"#{number}"),
    st.integers(0, 10**9).map(lambda number: f"${number:,}.99"),
    st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 9999)).map(
        lambda version: "version " + ".".join(map(str, version))
    ),
    st.binary(min_size=20, max_size=20).map(bytes.hex),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.sampled_from(
        ["https://help.example/a-b/c?d=e&f=2", "C++", "a@b", "R&D", "(1) + [2]", "50%"]
    ),
)


@settings(deadline=None)
@given(st.lists(st.tuples(words, harmless), max_size=6))
def test_text_without_personal_data_is_never_changed(parts: list[tuple[str, str]]) -> None:
    text = ", ".join(f"{before} {thing} or so" for before, thing in parts)
    assert EVERYTHING.text(text) == text


FRAGMENTS = [text for text, _ in FOUND] + LEFT_ALONE + list("@.:/+-=()[] '\"#") + ["://", "1", "a"]
FRAGMENTS += [f"[{name}]" for name in BUILT_IN] + [
    "phone ",
    "password=",
    "a@b.co",
    "+49 30 1234567",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=8).map("".join))
def test_redacting_again_changes_nothing(text: str) -> None:
    once = EVERYTHING.text(text)
    assert EVERYTHING.text(once) == once


SIZE = 60_000
RANDOM = random.Random(4)
HOSTILE = [
    *(
        "a",
        "1",
        "1 ",
        "a@",
        "a@b.",
        "@b.co",
        ".",
        "-",
        ":",
        "a:",
        "://",
        "+1",
        "+49 ",
        "(0",
        "0123 ",
    ),
    *(
        "4111 1111 1111 1112 ",
        "DE89 3704 ",
        "eyJ-",
        "eyJaaaaaaaaaa.",
        "password:",
        ":1",
        "=1aaaaaa",
    ),
    *("AKIA", "A", "-----BEGIN PRIVATE KEY-----", "sk-", "xoxb-", "earer ", "1.", "ab12", "aA1"),
    *("+49 30 1234567", "(555) 234-5678", "@a.b.c.d", "é", "x" * 63 + ".@b.co ", "phone 123456 "),
    "".join(RANDOM.choices("aA1@.:+-/ ()=[]", k=SIZE)),
    "".join(RANDOM.choices(FRAGMENTS, k=SIZE // 8)),
]


@pytest.mark.parametrize("unit", HOSTILE, ids=lambda unit: unit[:20])
def test_hostile_text_takes_no_longer_than_its_length_allows(unit: str) -> None:
    text = (unit * (SIZE // len(unit) + 1))[:SIZE]
    began = time.perf_counter()
    EVERYTHING.text(text)
    # It is .3 s at most. What grows with the square of the length would take minutes.
    assert time.perf_counter() - began < 5
