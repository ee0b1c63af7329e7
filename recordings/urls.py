"""Addresses that the service sends to. They are part of what is configured in Azure and never change."""

from django.urls import path

from recordings import webhooks

urlpatterns = [
    path("webhooks/acs/callback/<slug:secret>", webhooks.callback, name="acs-callback"),
    path("webhooks/acs/events/<slug:secret>", webhooks.events, name="acs-events"),
]
