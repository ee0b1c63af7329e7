#!/usr/bin/env python
"""Tapedeck's command line: `python manage.py help` lists what there is."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    """Runs one command; a setting that is not allowed ends it with one line instead of a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    try:
        from django.conf import settings

        _ = settings.TAPEDECK_DATA
    except ImproperlyConfigured as error:
        sys.exit(f"tapedeck: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
