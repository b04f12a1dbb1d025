"""What a course is called: by its key, and by its readers."""

from typing import Final

PREFIX: Final = "course-v1:"
"""What every course's key begins with, and readers seldom write."""


def course_name(key: str) -> str:
    """A course as its readers call it: `Org+Course+Run`."""
    return key.removeprefix(PREFIX)
