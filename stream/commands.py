"""What is said to Redis, as plain values: pure code may say what is to be written."""

Command = tuple[str | bytes | int | float, ...]
