"""Every word that a reader of the report, the mail, the chart or the sheet sees, in Russian and in English."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.wording import Labels, Language
from schemas.wording_en import ENGLISH
from schemas.wording_ru import RUSSIAN

__all__ = ["DEFAULT_LANGUAGE", "LABELS", "Labels", "Language"]

DEFAULT_LANGUAGE: Final[Language] = "ru"
LABELS: Final[Mapping[Language, Labels]] = MappingProxyType({"ru": RUSSIAN, "en": ENGLISH})
