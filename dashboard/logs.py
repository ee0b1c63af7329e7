"""What a line of the log may hold: never the secret in the address of a webhook, whoever writes the line."""

import logging
import re

_SECRET = re.compile(r"(/webhooks/acs/\w+/)[^\s/?#\"']+")


class Line(logging.Formatter):
    """As Python's, with the secrets of webhook addresses left out, also of exceptions and their tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        return _SECRET.sub(r"\1…", super().format(record))
