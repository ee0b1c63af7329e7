"""An operator without JavaScript: reads pages, follows links, fills in forms and presses buttons over HTTP."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.parse import urljoin

import httpx
from bs4 import BeautifulSoup, Tag

from tests.stack import Stack, wait_until


class Page:
    """One page as it was answered."""

    def __init__(self, answer: httpx.Response) -> None:
        self.url = str(answer.url)
        self.status = answer.status_code
        self.soup = BeautifulSoup(answer.text, "html.parser")

    @property
    def text(self) -> str:
        """What can be read on it, white space folded."""
        return " ".join(self.soup.get_text(" ").split())

    def row(self, anchor: str) -> str:
        """What can be read in the element with that id; empty when there is none."""
        found = self.soup.find(id=anchor)
        return " ".join(found.get_text(" ").split()) if found else ""

    def button(self, text: str, *, within: str = "") -> Tag:
        """The first button that begins with `text`, in the element with the id `within` if given."""
        place = self.soup.find(id=within) if within else self.soup
        assert isinstance(place, Tag), f"no {within} on {self.url}"
        for button in place.find_all("button"):
            if " ".join(button.get_text(" ").split()).startswith(text):
                return button
        raise AssertionError(f"no button {text!r} on {self.url}: {self.text[:2000]}")

    def links(self, text: str) -> list[str]:
        """Where the links that begin with `text` lead."""
        return [
            urljoin(self.url, str(link["href"]))
            for link in self.soup.find_all("a", href=True)
            if " ".join(link.get_text(" ").split()).startswith(text)
        ]


class Operator:
    """Signs in as a person does and works with pages alone."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = httpx.Client(base_url=stack.url, follow_redirects=True, timeout=20, trust_env=False)
        page = self.open("/")
        assert "/sign-in/" in page.url
        self.page = self.press("Sign in", page=page, username="admin", password=stack.admin_password)
        assert "Live" in self.page.text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def open(self, address: str) -> Page:
        self.page = Page(self.http.get(address))
        return self.page

    def press(self, text: str, *, page: Page | None = None, within: str = "", **fields: str) -> Page:
        """Submits the form that the button belongs to, as a browser would, with some fields filled in."""
        page = page or self.page
        button = page.button(text, within=within)
        form = page.soup.find(id=button["form"]) if button.get("form") else button.find_parent("form")
        assert isinstance(form, Tag), f"the button {text!r} belongs to no form"
        values = _values(form) | fields
        if button.get("name"):
            values[str(button["name"])] = str(button.get("value", ""))
        target = urljoin(page.url, str(button.get("formaction") or form.get("action") or page.url))
        method = str(button.get("formmethod") or form.get("method") or "get")
        answer = self.http.request(
            method,
            target,
            data=values if method == "post" else None,
            params=values if method != "post" else None,
            headers={"Referer": page.url},
        )
        self.page = Page(answer)
        return self.page

    def await_page(self, address: str, when: Callable[[Page], object], *, within: float = 20, what: str = "") -> Page:
        """Reloads a page until it shows what is waited for."""

        def look() -> Page | None:
            page = self.open(address)
            return page if when(page) else None

        found = wait_until(look, within=within, every=0.2, what=what or f"{address} showing it")
        assert found
        return found

    def fetch(self, address: str, into: Path, *, piece: int = 1 << 20) -> Path:
        """Downloads in ranges, as a player does."""
        with into.open("wb") as file:
            start, total = 0, 1
            while start < total:
                answer = self.http.get(address, headers={"Range": f"bytes={start}-{start + piece - 1}"})
                assert answer.status_code == 206, f"{address} answered {answer.status_code}"
                total = int(answer.headers["Content-Range"].rpartition("/")[2])
                file.write(answer.content)
                start += len(answer.content)
        return into

    def ledger(self) -> dict[str, object]:
        """What `manage.py ledger --json` says."""
        said: dict[str, object] = json.loads(self.stack.manage("ledger", "--json", check=False).stdout)
        return said


def _values(form: Tag) -> dict[str, str]:
    values = {}
    for field in form.find_all(["input", "select", "textarea"]):
        name = str(field.get("name", ""))
        if not name or field.get("type") in {"submit", "button"}:
            continue
        if field.get("type") in {"checkbox", "radio"} and not field.has_attr("checked"):
            continue
        if field.name == "select":
            chosen = field.find("option", selected=True) or field.find("option")
            values[name] = str(chosen["value"]) if isinstance(chosen, Tag) else ""
        else:
            values[name] = str(field.get("value", "") or field.get_text())
    return values
