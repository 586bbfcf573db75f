"""What each command of python -m generation does."""
