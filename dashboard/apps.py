"""The Django application of the operator's pages."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = "Tapedeck"

    def ready(self) -> None:
        """Registers the system checks, and makes the Celery application the one that `shared_task` belongs to."""
        from dashboard import celery, checks

        _ = (celery.app, checks)
