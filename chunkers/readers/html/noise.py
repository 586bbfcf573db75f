"""What a page shows around its article, or does not show at all."""

import re

from bs4 import Tag

_NEVER_TEXT = frozenset(
    """
    script style noscript template head title meta link nav footer dialog iframe object embed
    canvas svg video audio map select textarea input button datalist base
    """.split()  # noqa: SIM905 - a list of literals would run to pages
)
_NOISY_ROLES = frozenset(
    """
    navigation banner contentinfo search complementary dialog alertdialog menu menubar
    """.split()  # noqa: SIM905 - a list of literals would run to pages
)
_COOKIES = re.compile(
    r"(?:cookie|consent|gdpr)s?[-_]?(?:bar|banner|notice|consent|popup|modal|overlay|law|message)"
    r"|onetrust|cookiebot",
    re.IGNORECASE,
)
_CALLOUT = re.compile(
    r"(?:^|[-_])(?:call-?out|admonition|note|notice|info|tip|hint|warning|caution|danger|important"
    r"|alert)(?:$|[-_])",
    re.IGNORECASE,
)


def is_noise(tag: Tag) -> bool:
    """Whether an element is no part of what the page has to say."""
    name = tag.name
    if name in _NEVER_TEXT or _is_hidden(tag):
        return True
    if name == "header":
        return _is_site_header(tag)
    if name == "aside" or tag.get("role") in _NOISY_ROLES:
        return not is_callout(tag)
    if name == "form":  # some content systems wrap the whole page in one
        return tag.find(["h1", "h2", "main", "article"]) is None
    return name in {"div", "section"} and any(_COOKIES.search(label) for label in _labels(tag))


def is_callout(tag: Tag) -> bool:
    """Whether an element's classes say that it is a note, a tip or a warning."""
    if tag.name not in {"div", "section", "aside", "p", "figure", "span"}:
        return False
    return any(_CALLOUT.search(label) for label in _classes(tag))


def _is_hidden(tag: Tag) -> bool:
    # hidden="until-found" is the closed half of an accordion: content that search should find.
    return tag.get("aria-hidden") == "true" or tag.get("hidden", "until-found") != "until-found"


def _is_site_header(tag: Tag) -> bool:
    if tag.find_parent(["main", "article"]):
        return False
    return tag.find("nav") is not None or tag.find("h1") is None


def _labels(tag: Tag) -> list[str]:
    identity = tag.get("id")
    return [*_classes(tag), *([identity] if isinstance(identity, str) else [])]


def _classes(tag: Tag) -> list[str]:
    classes = tag.get("class")
    return list(classes) if isinstance(classes, list) else []
