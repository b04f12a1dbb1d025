"""How numbers and dates are written in the countries whose spreadsheets the stand-in knows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LocaleRules:
    """One country's way of writing.

    Attributes:
        decimal: the sign before the fraction.
        groups: the signs that may stand between thousands when a number is typed; the first one is also shown.
        day_first: whether 1/2 is the first of February.
        date_separator: the sign between the numbers of a date when it is shown.
        date_separators: those that may be typed there.
        currency: the sign of the country's money.
        currency_pattern: the format of an amount of money, with `#,##0` in the place of the number.
    """

    decimal: str = "."
    groups: str = ","
    day_first: bool = False
    date_separator: str = "/"
    date_separators: str = "/-"
    currency: str = "$"
    currency_pattern: str = '"$"#,##0'

    @property
    def date_pattern(self) -> str:
        """The format of a date that has been given no other."""
        order = ("d", "m", "yyyy") if self.day_first else ("m", "d", "yyyy")
        return self.date_separator.join(order)


AMERICAN = LocaleRules()
LOCALES = {
    "en_US": AMERICAN,
    "en_GB": LocaleRules(day_first=True, currency="£", currency_pattern='"£"#,##0'),
    "de_DE": LocaleRules(
        decimal=",",
        groups=".",
        day_first=True,
        date_separator=".",
        date_separators="./-",
        currency="€",
        currency_pattern='#,##0\\ "€"',
    ),
    "ru_RU": LocaleRules(
        decimal=",",
        groups="\u00a0 ",
        day_first=True,
        date_separator=".",
        date_separators="./-",
        currency="₽",
        currency_pattern='#,##0\\ "₽"',
    ),
}


def rules_of(locale: str) -> LocaleRules:
    """Give a locale's rules; the American ones where the locale is not known here.

    Args:
        locale: such as `ru_RU`.
    """
    return LOCALES.get(locale, AMERICAN)
