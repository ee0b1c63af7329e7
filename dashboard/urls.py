"""Every address of the dashboard."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import path

from dashboard.views import health

urlpatterns = [
    path("sign-in/", auth_views.LoginView.as_view(template_name="sign_in.html"), name="sign-in"),
    path("sign-out/", auth_views.LogoutView.as_view(), name="sign-out"),
    path("healthz", health.healthz, name="healthz"),
    path("admin/", admin.site.urls),
]
