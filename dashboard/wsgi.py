"""The WSGI application that the web server's workers load."""

import os

from django.core.wsgi import get_wsgi_application

from dashboard import leash

leash.die_with_parent()  # a web worker whose server was killed must not keep the port
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

application = get_wsgi_application()
