"""Colours and formats: their two spellings kept alike, and what a cell looks like without a format of its own."""

import numpy as np

from tests.sandbox.sheets.protocol.field_mask import Mask
from tests.sandbox.sheets.protocol.json_types import Json, JsonObject

WHITE: JsonObject = {"red": 1, "green": 1, "blue": 1}
DEFAULT_FORMAT: JsonObject = {
    "backgroundColor": WHITE,
    "padding": {"top": 2, "right": 3, "bottom": 2, "left": 3},
    "verticalAlignment": "BOTTOM",
    "wrapStrategy": "OVERFLOW_CELL",
    "textFormat": {
        "foregroundColor": {},
        "fontFamily": "arial,sans,sans-serif",
        "fontSize": 10,
        "bold": False,
        "italic": False,
        "strikethrough": False,
        "underline": False,
        "foregroundColorStyle": {"rgbColor": {}},
    },
    "backgroundColorStyle": {"rgbColor": WHITE},
}
THEME_COLORS = {
    "TEXT": (0, 0, 0),
    "BACKGROUND": (255, 255, 255),
    "ACCENT1": (66, 133, 244),
    "ACCENT2": (234, 67, 53),
    "ACCENT3": (251, 188, 4),
    "ACCENT4": (52, 168, 83),
    "ACCENT5": (255, 109, 1),
    "ACCENT6": (70, 189, 198),
    "LINK": (17, 85, 204),
}
# Each of these has a newer spelling, `…Style`, that may name a colour of the theme instead.
COLOR_FIELDS = ("backgroundColor", "foregroundColor", "tabColor")


def theme() -> JsonObject:
    """Give the theme of a new spreadsheet, the API's `SpreadsheetTheme`."""
    colors = []
    for name, parts in THEME_COLORS.items():
        color = {part: value / 255 for part, value in zip(WHITE, parts, strict=True)}
        colors.append({"colorType": name, "color": {"rgbColor": _color(color)}})
    return {"primaryFontFamily": "Arial", "themeColors": colors}


def with_both_spellings(message: Json) -> Json:
    """Give a message in which every colour stands in the older and the newer spelling, as the service answers.

    Args:
        message: a format, or anything that contains formats.
    """
    if isinstance(message, list):
        return [with_both_spellings(item) for item in message]
    if not isinstance(message, dict):
        return message
    whole: JsonObject = {name: with_both_spellings(value) for name, value in message.items()}
    for name in COLOR_FIELDS:
        style = whole.get(f"{name}Style", {"rgbColor": whole[name]} if name in whole else {})
        whole.pop(name, None)
        whole.pop(f"{name}Style", None)
        if "rgbColor" in style:
            whole |= {name: _color(style["rgbColor"]), f"{name}Style": {"rgbColor": _color(style["rgbColor"])}}
        elif style:
            whole[f"{name}Style"] = style
    return whole


def mask_of_both_spellings(mask: Mask) -> Mask:
    """Give a mask that names a colour in both spellings where it names it in one.

    Args:
        mask: the mask.
    """
    whole: Mask = {}
    for name, inner in mask.items():
        plain = name.removesuffix("Style")
        if plain in COLOR_FIELDS:
            whole |= {plain: {}, f"{plain}Style": {}}
        else:
            whole[name] = mask_of_both_spellings(inner)
    return whole


def effective_format(own: JsonObject) -> JsonObject:
    """Give what a cell looks like in the end.

    Args:
        own: the format that was given to the cell.
    """
    return _merged(DEFAULT_FORMAT, own)


def _merged(below: JsonObject, above: JsonObject) -> JsonObject:
    merged = dict(below)
    for name, value in above.items():
        is_part = isinstance(value, dict) and isinstance(merged.get(name), dict) and "olor" not in name
        merged[name] = _merged(merged[name], value) if is_part else value
    return merged


def _color(color: JsonObject) -> JsonObject:
    """Give a colour as the service keeps it: in steps of 1/255, and without the parts that are 0."""
    kept: JsonObject = {}
    for name, part in color.items():
        step = np.float32(np.ceil(float(part) * 255 - 0.5) / 255)
        if step:
            kept[name] = int(step) if step == 1 else float(str(step))
    return kept
