"""House rules that no linter knows."""

import ast
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("dashboard", "recordings", "local_acs")
MODULES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _functions() -> list[int]:
    nodes = (node for path in MODULES for node in ast.walk(ast.parse(path.read_text())))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [(node.end_lineno or node.lineno) - node.lineno + 1 for node in nodes if isinstance(node, kinds)]


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_stays_a_room(path):
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_what_it_is(path):
    text = path.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_nine_functions_in_ten_are_short():
    assert statistics.quantiles(_functions(), n=10)[-1] < 35


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_drawer_is_called_a_room(path):
    assert path.stem not in {"utils", "helpers", "common", "misc", "managers", "services"}


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_has_no_inline_style_or_script(path):
    text = path.read_text()
    assert not re.search(r"\sstyle=|\son[a-z]+=\"|<style|<script(?![^>]*\ssrc=)", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_fragment_fits_on_a_screen(path):
    limit = 60 if path.name.startswith("_") else 120
    assert len(path.read_text().splitlines()) <= limit


def test_every_crash_point_is_listed_and_every_listed_one_stands_in_the_code():
    from recordings import crashpoints

    pattern = re.compile(r'crashpoints\.reach\(\s*"([^"]+)"')
    in_code = [name for path in MODULES for name in pattern.findall(path.read_text())]
    assert sorted(in_code) == sorted(set(in_code))
    assert set(in_code) == crashpoints.POINTS


def test_the_domain_uses_no_signals():
    senders = re.compile(r"\b(post_save|pre_save|post_delete|m2m_changed)\b")
    assert [_name(path) for path in MODULES if senders.search(path.read_text())] == []
