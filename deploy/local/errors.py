"""What keeps the stack from running and a person can put right."""


class StackError(ValueError):
    """Its message is one line that says what to do."""


class Stopped(Exception):
    """Somebody asked the stack to end while it was starting."""
