"""Load and overload: what a stack bears, what it refuses, and that what it accepts is there."""
