"""One reader a format: bytes in, Document out."""
