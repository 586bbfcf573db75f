"""Personal data and secrets in text, replaced by what they were: `[email]`, `[phone]`, ..."""

from generation.redaction.redactor import BUILT_IN, Redactor, Rule

__all__ = ["BUILT_IN", "Redactor", "Rule"]
