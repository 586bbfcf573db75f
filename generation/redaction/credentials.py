"""What lets somebody in: keys, tokens, passwords."""

import re

from generation.redaction.finding import Finder, Span, follows

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
_AWS_ID = re.compile(r"A(?<![A-Za-z0-9].)[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])")
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_CLASSES = re.compile(r"[A-Z]+|[a-z]+|[0-9]+|[/+]+")


def _random(match: re.Match[str]) -> Span | None:
    said = match.group()
    upper, lower = sum(map(str.isupper, said)), sum(map(str.islower, said))
    # Hashes have no capitals, and paths have words in them and more slashes.
    mixed = upper >= 5 and lower >= 5 and 1 <= 40 - upper - lower <= 20
    changes = len(_CLASSES.findall(said))
    return match.span() if mixed and changes >= 14 and said.count("/") <= 3 else None


AWS_KEYS = (Finder(_AWS_ID), Finder(_AWS_SECRET, check=_random))
"""Ids of AWS access keys, and secret keys, which are 40 characters that look random."""

_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)"
)
"""In PEM (RFC 7468); without an end, all that follows."""

# Tokens that can be told by how they begin, and JSON Web Tokens (RFC 7519).
_TOKEN = re.compile(
    r"[gsrxAe](?<![\w-].)(?:h[oprsu]_\w{36,}+|ithub_pat_\w{22,}+|lpat-[\w-]{20,}+"
    r"|k-[\w-]{20,}+|k_live_\w{16,}+|ox[abeprs]-[\w-]{10,}+|Iza[\w-]{35}"
    r"|yJ[\w-]{10,}+\.eyJ[\w-]{10,}+\.[\w-]*+)"
)
_BEARER = re.compile(r"earer[ ]{1,3}([\w.~+/-]{16,8000}={0,2})")  # RFC 6750

_GIVEN = re.compile(r"[:=][ \t]{0,3}[\"'`]?(?!\[)([^\s\"'`,;&<>]{6,200})")
_SECRET = re.compile(
    r"(?<!\[)(?:\bpass|password|passwd|passphrase|pwd|passwort|kennwort|contraseña|mot de passe"
    r"|secret|token|api[_ -]?key|access[_ -]?key|private[_ -]?key|signature|credentials?)"
    r"[\"'`\]]{0,2}[ \t]{0,3}\Z",
    re.I,
)
_DIGIT = re.compile(r"\d")


def _value(match: re.Match[str]) -> Span:
    return match.span(1)


def _named(match: re.Match[str]) -> Span | None:
    value = match.group(1)
    # A word without a digit is rather what is said of passwords: "Password: required".
    is_word = not _DIGIT.search(value) or "://" in value
    return None if is_word or not follows(match, _SECRET, 32) else match.span(1)


SECRETS = (
    Finder(_KEY),
    Finder(_TOKEN),
    Finder(_BEARER, check=_value),
    Finder(_GIVEN, check=_named),
)
"""Private keys, tokens, and values that are said to be secret: `password: hunter22`,
`?access_token=...`."""
