"""Small numbers: of fewer than a minimum of students readers are told that they are few, and nothing else of them.

Who knows a course would else know the students. Most states of the US take this minimum (NCES 2011-603).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from schemas.language import Language
from schemas.section import Section
from schemas.wording import FEW_WITHHELD

FEWEST_STUDENTS: Final = 10
FEW: Final = f"< {FEWEST_STUDENTS}"


def hide_few(figures: Mapping[str, float | None], students: float | None) -> Mapping[str, float | None]:
    """A course's figures of a day or a period; of too few students only how many attempts they made."""
    if not 0 < (students or 0) < FEWEST_STUDENTS:
        return figures
    return {name: value if name == "attempts" else None for name, value in figures.items()}


def withhold(
    section: Section,
    language: Language,
    *,
    group: str,
    hidden: Collection[str],
    within: str = "",
    added_up: Collection[str] = (),
) -> Section:
    """The section without what it says of too few students.

    Args:
        group: the column that counts the students whom a row is about.
        hidden: the columns that say something of them.
        within: the column by whose value rows belong together, of which a total is told elsewhere.
        added_up: the columns of that total. If it would give the only row that is withheld away, they are hidden in the
            smallest other one too.
    """
    names = [column.name for column in section.columns]
    sizes: list[Any] = section.values(group)
    few = {number for number, size in enumerate(sizes) if size < FEWEST_STUDENTS}
    if not few:
        return section
    telling = set(_tell_of_others(section.values(within), sizes, few)) if within else set()
    rows = list(section.rows)
    for numbers, withheld in ((few, {group: FEW, **dict.fromkeys(hidden)}), (telling, dict.fromkeys(added_up))):
        for number in numbers:
            known = zip(names, rows[number].values, strict=True)
            rows[number] = replace(rows[number], values=tuple(withheld.get(name, value) for name, value in known))
    note = FEW_WITHHELD.to(language, few=FEW)
    return replace(section, rows=tuple(rows), notes=(*section.notes, note))


def _tell_of_others(families: list[Any], sizes: list[Any], few: Collection[int]) -> Iterator[int]:
    members = defaultdict(list)
    for number, family in enumerate(families):
        members[family].append(number)
    for numbers in members.values():
        others = [number for number in numbers if number not in few]
        if others and len(others) == len(numbers) - 1:
            yield min(others, key=sizes.__getitem__)
