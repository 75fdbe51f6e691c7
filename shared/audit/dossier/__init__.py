"""One incident in one file that proves itself: what is in it, how it is gathered, and its check."""
