"""Every address of the dashboard."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import URLPattern, URLResolver, include, path

from dashboard.views import account, at_risk, controls, health, library, live, media, recording, system

pages: list[URLPattern | URLResolver] = [
    path("", live.live, name="live"),
    path("start/", controls.start, name="start"),
    path("library/", library.library, name="library"),
    path("recordings/<uuid:pk>/", recording.recording, name="recording"),
    path("at-risk/", at_risk.at_risk, name="at-risk"),
    path("system/", system.system, name="system"),
]

commands: list[URLPattern | URLResolver] = [
    path("recordings/<uuid:pk>/pause/", controls.pause, name="pause"),
    path("recordings/<uuid:pk>/resume/", controls.resume, name="resume"),
    path("recordings/<uuid:pk>/stop/", controls.stop, name="stop"),
    path("calls/<uuid:pk>/record/", controls.record, name="record"),
    path("watch/", controls.watch, name="watch"),
    path("files/<uuid:pk>/retrieve/", at_risk.retrieve_now, name="retrieve-now"),
    path("notifications/<uuid:pk>/replay/", system.replay, name="replay"),
    path("system/test/<uuid:pk>/", system.test_connection, name="test-connection"),
    path("system/calls/", system.start_call, name="start-call"),
    path("system/calls/end/", system.end_call, name="end-call"),
]

files: list[URLPattern | URLResolver] = [
    path("files/<uuid:pk>/play/", media.play, name="play"),
    path("files/<uuid:pk>/download/", media.download, name="download"),
]

accounts: list[URLPattern | URLResolver] = [
    path("sign-in/", account.SignIn.as_view(), name="sign-in"),
    path("sign-out/", auth_views.LogoutView.as_view(), name="sign-out"),
    path("profile/", account.profile, name="profile"),
    path("profile/password/", account.ChangePassword.as_view(), name="change-password"),
    path("theme/", account.set_theme, name="theme"),
]

urlpatterns = [
    *pages,
    *commands,
    *files,
    *accounts,
    path("", include("recordings.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("admin/", admin.site.urls),
]

handler400 = "dashboard.views.errors.bad_request"
handler403 = "dashboard.views.errors.denied"
handler404 = "dashboard.views.errors.not_found"
handler500 = "dashboard.views.errors.failed"
