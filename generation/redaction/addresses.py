"""Addresses of people and their machines: e-mail, IP, and who logs in by a URL."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from generation.redaction.finding import Finder, Span, follows

_LONGEST_LOCAL = 64  # Octets before the @, by RFC 5321, 4.5.3.1.1.
_AT_DOMAIN = re.compile(r"@(?:[^\W_][\w-]{0,62}+\.){1,20}(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,63})")
_LOCAL_BACKWARDS = re.compile(r"[\w.%+'-]+")
_PICTURE = re.compile(r"@\dx\.(?:png|jpe?g|gif|webp|svg)", re.I)  # logo@2x.png


def _email(match: re.Match[str]) -> Span | None:
    start = match.start()
    before = match.string[max(0, start - _LONGEST_LOCAL) : start]
    found = _LOCAL_BACKWARDS.match(before[::-1])
    local = before[-found.end() :].lstrip(".%'-") if found else ""
    if not local or _PICTURE.match(match.group()):
        return None
    return start - len(local), match.end()


EMAILS = Finder(_AT_DOMAIN, check=_email)
"""E-mail addresses, those with letters of other alphabets among them."""


_LOGIN = re.compile(r"://([^\s/?#\"<>\[\]]{1,300})@")


def _login(match: re.Match[str]) -> Span:
    return match.span(1)


URL_CREDENTIALS = Finder(_LOGIN, check=_login)
"""User and password of a URL: `https://[url_credentials]@host/path`."""


_IPV4 = re.compile(r"\d(?<![\w.].)\d{0,2}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?!\w|\.\d)")
_IPV4_HINT = re.compile(r"\.\d{1,3}\.\d")
_NUMBERED = re.compile(
    r"(?:version|release|build|firmware|section|chapter|§|\bv\.?)[ :]{0,2}\Z", re.I
)


def _ipv4(match: re.Match[str]) -> Span | None:
    try:
        address = IPv4Address(match.group())
    except AddressValueError:
        return None
    means_nobody = address.is_loopback or address.is_unspecified or address.packed[0] == 255
    return None if means_nobody or follows(match, _NUMBERED, 12) else match.span()


IPV4 = Finder(_IPV4, check=_ipv4, hint=_IPV4_HINT)
"""IPv4 addresses; not 127.0.0.1 and the like, masks such as 255.255.255.0, and numbers of versions
and sections that are called so."""


_IPV6 = re.compile(r"[0-9A-Fa-f:](?<![\w:.].)[0-9A-Fa-f:]{1,38}+(?:\.\d{1,3}){0,3}(?![\w:])")
_IPV6_HINT = re.compile(r":[0-9A-Fa-f]{0,4}:")
_DIGIT = re.compile(r"\d")


def _ipv6(match: re.Match[str]) -> Span | None:
    said = match.group()
    if said.endswith(":") and not said.endswith("::"):
        said = said[:-1]  # The end of "at 2001:db8::1: no answer".
    try:
        address = IPv6Address(said)
    except AddressValueError:
        return None
    # Without any digit it is rather the name of something, as in `Abc::Def`.
    if address.is_loopback or address.is_unspecified or not _DIGIT.search(said):
        return None
    return match.start(), match.start() + len(said)


IPV6 = Finder(_IPV6, check=_ipv6, hint=_IPV6_HINT)
"""IPv6 addresses; not ::1, and no times."""
