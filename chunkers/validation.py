"""The one check that every chunker makes of its fields."""


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Raise ValueError, naming the field and its valid range, unless low <= value <= high."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, not {value!r}")
