"""The product's settings, with a data folder that vanishes and without what would only cost time in tests."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from dashboard import variables

for _name in [*(each.name for each in variables.VARIABLES), "LOCAL_ACS_DATA", "LOCAL_ACS_HOST"]:
    os.environ.pop(_name, None)  # what a developer has set must not change what the tests mean
_data = Path(tempfile.mkdtemp(prefix="tapedeck-tests-"))
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["TAPEDECK_DATA"] = str(_data)

# Playwright runs an event loop in the thread of the tests, where Django would refuse the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from dashboard.settings import *  # noqa: E402, F403
from dashboard.settings import DATABASES, STORAGES  # noqa: E402

del os.environ["TAPEDECK_DATA"]

DATABASES["default"]["TEST"] = {"NAME": _data / "test.sqlite3"}
# Durability is the disk's business, and a test that kills a process kills no kernel.
DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT = _data / "static"
STATIC_ROOT.mkdir()
CELERY_BROKER_URL = "memory://"
