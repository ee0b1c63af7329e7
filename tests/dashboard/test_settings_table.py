"""The settings table: one list of variables, in the code, the command and the README."""

from pathlib import Path

import pytest
from django.core.management import call_command

from dashboard import variables

README = Path(__file__).resolve().parent.parent.parent / "README.md"


def test_the_command_prints_a_row_for_each_variable(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("settings_table")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(variables.VARIABLES) + 2
    assert all(line.startswith(f"| `{each.name}` |") for line, each in zip(lines[2:], variables.VARIABLES, strict=True))


@pytest.mark.parametrize("row", variables.markdown_table().splitlines(), ids=lambda row: row.split("`")[1:2])
def test_the_readme_has_the_row(row: str) -> None:
    assert row in README.read_text().splitlines()


def test_no_meaning_breaks_the_table() -> None:
    assert not [each.name for each in variables.VARIABLES if "|" in each.meaning + each.allowed + each.default_text]
