"""HTML pages as readers see them: the text of the article, its structure written as Markdown."""

from chunkers.readers.html.page import read_html

__all__ = ["read_html"]
