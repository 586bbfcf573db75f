"""Data sets: documents, and questions whose answers are known."""

from benchmarks.datasets.base import Dataset, Question, Span
from benchmarks.datasets.catalog import load_catalog_set
from benchmarks.datasets.chat import load_chat
from benchmarks.datasets.clapnq import load_clapnq
from benchmarks.datasets.intents import load_intents, load_out_of_scope
from benchmarks.datasets.retrieval import load_retrieval
from benchmarks.datasets.spans import load_chroma, load_spans
from benchmarks.datasets.spec import DatasetSpec, Form, Places
from chunkers.document import ContentType

_WHOLE_TEXT = (ContentType.ARTICLE, ContentType.SNIPPET)
"""Content types whose extracted text is the corpus's own, so that its spans hold."""

FORMS: dict[str, Form] = {
    "retrieval": Form(load=load_retrieval, content_types=(*_WHOLE_TEXT, ContentType.FAQ)),
    "spans": Form(load=load_spans, content_types=_WHOLE_TEXT),
    "chroma": Form(load=load_chroma, content_types=_WHOLE_TEXT),
    "chat": Form(load=load_chat, content_types=(ContentType.ARTICLE,)),
    "clapnq": Form(load=load_clapnq, content_types=_WHOLE_TEXT),
    "intents": Form(load=load_intents, content_types=(ContentType.FAQ,)),
    "out_of_scope": Form(load=load_out_of_scope, content_types=()),
    "catalog": Form(load=load_catalog_set, content_types=()),
}
"""The forms of data set that a suite can name."""

__all__ = ["FORMS", "Dataset", "DatasetSpec", "Form", "Places", "Question", "Span"]
