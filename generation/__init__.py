"""How answers, judges and rewritten questions reach Amazon Bedrock."""
