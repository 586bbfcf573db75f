"""Where the vectors are: Qdrant Edge in this process, or a Qdrant server."""

from indexers.store.base import DENSE, SPARSE, Candidate, Point, Schema, Search, VectorStore

__all__ = ["DENSE", "SPARSE", "Candidate", "Point", "Schema", "Search", "VectorStore"]
