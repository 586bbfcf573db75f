"""PDFs as text in reading order: glyphs, lines, tables and paragraphs, each from the one before."""

from chunkers.readers.pdf.reader import read_pdf

__all__ = ["read_pdf"]
