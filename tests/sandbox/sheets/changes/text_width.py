"""How wide a text is on the screen, for columns that are fitted to what they hold."""

from collections.abc import Iterable

# The screen font at 13 pixels. Advances are in 1/2048 of its size; letters of nearly the same width share one.
FONT_PIXELS = 13
UNITS = 2048
USUAL_ADVANCE = 1140
WIDTHS = {
    500: " .,:;'!|()-ijlI",
    690: "frt",
    1030: "ckszvxy",
    1240: "BEFJLPRSTYZ",
    1336: "ACDKUVX",
    1430: "GHNOQ",
    1800: "mwMW%@",
}
ADVANCES = {letter: advance for advance, letters in WIDTHS.items() for letter in letters}
# The padding on both sides and the line between two columns.
MARGIN_PIXELS = 7


def column_pixels(texts: Iterable[str]) -> int | None:
    """Give the width of a column that shows its longest line whole.

    Args:
        texts: what the column's cells show.

    Returns:
        The width in pixels, good to a few of them; None where there is no text.
    """
    lines = [line for text in texts for line in text.splitlines()]
    if not lines:
        return None
    units = max(sum(ADVANCES.get(letter, USUAL_ADVANCE) for letter in line) for line in lines)
    return round(units * FONT_PIXELS / UNITS) + MARGIN_PIXELS
