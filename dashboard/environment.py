"""Reads settings from the environment, loudly: a bad value is refused with its name, the value and what is allowed."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")


class BadVariable(ImproperlyConfigured):
    """An environment variable has a value that is not allowed, or lacks one that is needed."""


@dataclass(frozen=True, kw_only=True)
class Variable(Generic[T]):
    """One setting of Tapedeck, as it stands in the environment.

    `parse` turns the text into the value and raises ValueError when it cannot. `default` holds when the variable is
    unset or empty; `default_text` is how the settings table writes it.
    """

    name: str
    parse: Callable[[str], T]
    default: T
    allowed: str
    meaning: str
    default_text: str
    secret: bool = False

    def read(self, environ: Mapping[str, str] | None = None) -> T:
        """The value in `environ` (the process's own unless given), or the default."""
        text = (os.environ if environ is None else environ).get(self.name, "").strip()
        return self.parsed(text) if text else self.default

    def is_set(self, environ: Mapping[str, str] | None = None) -> bool:
        """Whether the environment gives a value of its own; an empty one counts as unset."""
        return bool((os.environ if environ is None else environ).get(self.name, "").strip())

    def parsed(self, text: str) -> T:
        """The value that `text` stands for; refused by name when it stands for none."""
        try:
            return self.parse(text)
        except ValueError as error:
            raise BadVariable(self.complaint(text)) from error

    def complaint(self, text: str) -> str:
        """One line that says what is wrong with `text`; a secret is described, never repeated."""
        shown = f"a value of {len(text)} characters" if self.secret else f"“{text}”"
        return f"{self.name} is {shown}, which is not allowed. Allowed: {self.allowed}. Default: {self.default_text}."
