"""The documentation is true: what it names exists, and the output it shows is what a run says."""

import pkgutil
import re
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.installing.environment import KNOWN_SETTINGS
from schemas.period import Window
from tasks.check import check
from tasks.transform import transform
from tests.figures_page import PAGE, write_page
from tests.sandbox.grader import SyntheticRecords

ROOT = Path(__file__).resolve().parents[2]
PATHS = (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
PAGES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in PATHS}
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
READMES = {"README.md": "command", "README.ru.md": "команда"}
EVERY_PAGE = pytest.mark.parametrize("name", sorted(PAGES))


def code_of(name: str) -> str:
    """A page's blocks of code, and what stands between backticks in its text."""
    return "\n".join([*BLOCK.findall(PAGES[name]), *re.findall(r"`([^`\n]+)`", BLOCK.sub("", PAGES[name]))])


def rows_of(name: str, header: str) -> list[list[str]]:
    """The cells of the table whose first column has that header, without backticks."""
    (table,) = re.findall(rf"^\| {header} \|.*\n\|[-:| ]+\n((?:\|.*\n)+)", PAGES[name], re.MULTILINE)
    return [[cell.strip(" `") for cell in row.strip("|").split(" | ")] for row in table.splitlines()]


def links_of(name: str) -> Iterator[tuple[Path, str]]:
    """The files that a page links to, each with the anchor in it."""
    for link in re.findall(r"(?:\]\(|src=\")(?!https:)([^)\s\"]+)", BLOCK.sub("", PAGES[name])):
        file, _, anchor = link.partition("#")
        yield ((ROOT / name).parent / file if file else ROOT / name).resolve(), anchor


@EVERY_PAGE
def test_every_link_leads_somewhere(name: str) -> None:
    for target, anchor in links_of(name):
        assert target.exists(), target
        headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE) if anchor else [""]
        assert anchor in {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headings}, target


def test_every_page_and_picture_is_linked() -> None:
    assert {*ROOT.glob("docs/**/*.*")} <= {target for name in PAGES for target, _ in links_of(name)}


@cache
def options_of(command: str) -> set[str]:
    """The options that a command's help names."""
    with redirect_stdout(StringIO()) as shown, suppress(SystemExit):
        pkgutil.resolve_name(f"flows.{command}.main")(["--help"])
    return set(re.findall(r"(?<![\w-])--[\w-]+", shown.getvalue()))


@EVERY_PAGE
def test_every_command_and_option_exists(name: str) -> None:
    commands = r"(?:(?<!--owner )codegrader |python -m flows\.)([a-z]+)\b([^\n`#|]*)"
    for command, rest in re.findall(commands, code_of(name)):
        assert command == "psql" or set(re.findall(r"--[\w-]+", rest)) <= options_of(command), f"{command} {rest}"


@EVERY_PAGE
def test_every_deployment_parameter_file_module_and_make_target_exists(name: str) -> None:
    flows = {}
    for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]:
        flow = pkgutil.resolve_name(deployment["entrypoint"])
        flows[f"{flow.name}/{deployment['name']}"] = set(flow.parameters.properties)
    assert set(re.findall(r"\bcodegrader-[a-z]+/[a-z]+\b", PAGES[name])) <= set(flows)
    code = code_of(name)
    for deployment, rest in re.findall(r"prefect deployment run '([^']+)'([^\n#]*)", code):
        assert set(re.findall(r"-p (\w+)=", rest)) <= flows[deployment], rest
    for path in re.findall(r"(?<![\w/.])(?:flows|tasks|schemas|tests|docs|\.ci)/[\w./-]*", code):
        assert (ROOT / path).exists() or "NAME" in path, path
    for path in re.findall(r"(?<![\w./-])(?:flows|tasks|schemas|tests)\.[a-z_]\w*(?:\.\w+)*(?![\w/])", code):
        assert pkgutil.resolve_name(path) is not None, path
    targets = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)[0].split()
    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= set(targets)


def test_every_setting_is_in_the_example_and_explained_and_no_other() -> None:
    settings = set(KNOWN_SETTINGS)
    example = (ROOT / ".env.example").read_text("utf-8")
    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) == settings - {"GOOGLE_SHEETS_URL"}
    assert sorted(row[0] for row in rows_of("docs/install.md", "setting")) == sorted(settings)
    known = settings | {row[0] for row in rows_of("docs/install.md", "variable")}
    families = r"\b(?:GRADER|GOOGLE|SMTP|EMAIL|REPORT|CODEGRADER|DATABASE|LOG|SPREADSHEET|SSL)_[A-Z_]+\b"
    assert set(re.findall(families, "".join(PAGES.values()))) <= known


def test_figures_checks_and_limits_are_the_codes_own() -> None:
    page = PAGE.read_text("utf-8")
    assert write_page(page) == page, "write it anew: python -m tests.figures_page"
    now = datetime(2023, 4, 1, tzinfo=UTC)
    results = check([], transform([]), Window(now - timedelta(hours=6), now), now).results
    checks = {name: severity for name, severity, *_ in rows_of("docs/data-contract.md", "check")}
    assert checks == {result.check: result.severity for result in results}
    for limit, value, constant in rows_of("docs/operating.md", "limit"):
        path, _, added = constant.partition("` + ")
        actual: Any = pkgutil.resolve_name(path)
        if isinstance(actual, timedelta):
            actual = actual.days or actual.seconds // 3600
        assert value == str(actual + int(added) if added else actual), limit


def test_the_readmes_are_short_and_show_the_same() -> None:
    assert all(PAGES[name].count("\n") <= 150 for name in READMES)
    english, russian = ([re.sub(r" +#.*", "", block) for block in BLOCK.findall(PAGES[name])[1:]] for name in READMES)
    assert english == russian
    english, russian = ([row[0] for row in rows_of(*table)] for table in READMES.items())
    assert english == russian


def check_day(day: datetime) -> tuple[list[int], list[int]]:
    """What becomes of a day of the sandbox's records, as a run's last line counts them; and its row in the sheet."""
    window, now = Window(day, day + timedelta(days=1)), datetime(2100, 1, 1, tzinfo=UTC)
    source = SyntheticRecords(now=lambda: now, odd=True)
    records: list[Any] = list(source.between(day, window.end - timedelta(microseconds=1)))
    done = check(records, transform(records), window, now)
    counts = [len(records), len(done.accepted), len(done.rejected), done.duplicates, done.warnings]
    row = [len(done.accepted), int((done.accepted["is_correct"] == 1).sum()), done.accepted["user_id"].nunique()]
    return counts, row


def test_the_output_shown_is_what_the_sandbox_gives() -> None:
    shown = code_of("README.md") + code_of("docs/guide.md")
    table = re.findall(r"^ +([-\d]{10}) +(\d+) +(\d+) +(\d+)$", shown, re.MULTILINE)
    week = [check_day(datetime.fromisoformat(f"{day}T00:00+00:00")) for day, *_ in table]
    assert [list(map(int, row)) for _, *row in table] == [row for _, row in week]
    said = re.findall(r"(\S+) fetched, (\S+) new, 0 changed,.* (\d+) rejected, (\d+) dup.*, (\d+) warnings", shown)
    fetched, new, *odd = (sum(each) for each in zip(*(counts for counts, _ in week), strict=True))
    lines = [[int(number.replace(",", "")) for number in line] for line in said]
    assert lines == [[fetched, new, *odd], [fetched, 0, *odd], check_day(datetime(2023, 4, 1, tzinfo=UTC))[0]]
    assert f"0 changed, {new:,} unchanged," in shown
