"""Compare builds and searches on questions whose answers are known."""
