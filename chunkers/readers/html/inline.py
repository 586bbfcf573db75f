"""The running text of an element, its white space as a browser shows it."""

import re
from collections.abc import Iterable, Iterator

from bs4 import Tag
from bs4.element import NavigableString, PageElement, PreformattedString

from chunkers.readers.html.noise import is_noise

BREAK = "\n"
_SPACE = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
_AROUND_BREAK = re.compile(r" *\n[ \n]*")
_SPACES = re.compile(r"  +")


def inline_text(tag: Tag) -> str:
    """Return an element's text as one paragraph; only <br> breaks its lines."""
    return joined(_words(tag))


def joined(words: Iterable[str]) -> str:
    """Join what `word` returned, the white space between collapsed."""
    text = _SPACES.sub(" ", "".join(words))
    return _AROUND_BREAK.sub("\n", text).strip()


def word(node: PageElement) -> str:
    """Return what one node shows by itself: a string, a break, an image."""
    if isinstance(node, NavigableString):
        if isinstance(node, PreformattedString):  # comments, declarations, CDATA
            return ""
        return _SPACE.sub(" ", _INVISIBLE.sub("", node))
    if isinstance(node, Tag):
        return _shown(node)
    return ""


def _shown(tag: Tag) -> str:
    if tag.name == "br":
        return BREAK
    if tag.name == "img":
        alt = tag.get("alt")
        label = _SPACE.sub(" ", alt).strip() if isinstance(alt, str) else ""
        return f"[image: {label}]" if label else ""
    return ""


_SEPARATED = frozenset(
    """
    p div li tr td th dt dd ul ol dl table section article h1 h2 h3 h4 h5 h6 pre blockquote
    figure figcaption details summary hr
    """.split()  # noqa: SIM905 - a list of literals would run to pages
)


def _words(root: Tag) -> Iterator[str]:
    """Yield the words under an element, without recursion: pages nest thousands deep."""
    stack: list[Iterator[PageElement]] = [iter(root.contents)]
    while stack:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
            yield " " if stack else ""
            continue
        yield word(node)
        if isinstance(node, Tag) and not is_noise(node):
            if node.name in _SEPARATED:
                yield " "
            stack.append(iter(node.contents))
