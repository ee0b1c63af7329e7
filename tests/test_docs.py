"""What the documents claim is so."""

import io
import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
README = (ROOT / "README.md").read_text()


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_settings_table_is_the_one_the_code_prints():
    printed = io.StringIO()
    call_command("settings_table", stdout=printed)
    shown = README.partition("<!-- settings: begin -->\n")[2].partition("<!-- settings: end -->")[0]
    assert shown == printed.getvalue()


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_file_a_document_points_to_exists(path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_module_a_document_names_exists(path):
    named = set(re.findall(r"`((?:recordings|dashboard|local_acs|tests)/[\w/.]+)`", path.read_text()))
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_make_target_a_document_names_exists(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", path.read_text())) <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_every_management_command_a_document_names_exists(path):
    named = set(re.findall(r"manage\.py ([a-z_]+)", path.read_text()))
    assert named <= set(get_commands())


def test_make_help_lists_every_target_a_reader_may_use():
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    documented = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.findall(r"make ([a-z-]+)", listed) == documented


def test_the_changelog_names_the_version_or_what_is_unreleased():
    version = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert re.search(rf"^## (Unreleased|{re.escape(version)})", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
