"""The administration shows every table, changes none of the facts, and acts as the operator pages do."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from recordings.models import Adoption, MediaFile, Notification, NotificationDelivery
from recordings.states import MediaState, NotificationState, RecordingState
from tests.dashboard import cast
from tests.dashboard.conftest import signed_in

MODELS = list(apps.get_app_config("recordings").get_models())


@pytest.fixture
def root(db):
    return signed_in(cast.user("root", superuser=True))


@pytest.fixture
def house(root) -> None:
    by = cast.user("otto")
    cast.processes()
    cast.live_rows(5, by)
    cast.library(10, by)
    cast.trouble()
    row = cast.recording()
    Adoption.objects.create(resource=row.resource, identity=row.identity, how=Adoption.How.WATCHED, by=by)
    for notification in Notification.objects.all():
        NotificationDelivery.objects.create(notification=notification)


def list_of(model, **query: str) -> str:
    return reverse(f"admin:recordings_{model._meta.model_name}_changelist", query=query or None)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_table_can_be_looked_up(root, house, model):
    assert model in admin.site._registry
    answer = root.get(list_of(model, **({"q": "x"} if admin.site._registry[model].search_fields else {})))
    assert answer.status_code == 200
    assert root.get(list_of(model)).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_row_can_be_read_and_not_changed(root, house, model):
    row = model._default_manager.first()
    name = f"admin:recordings_{model._meta.model_name}"
    page = root.get(reverse(f"{name}_change", args=[row.pk]))
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert root.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
    assert root.get(reverse(f"{name}_add")).status_code == 403
    assert root.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_a_recording_links_to_its_page_and_keeps_its_secret(root):
    row = cast.recording(callback_secret="never-to-be-shown")
    assert reverse("recording", args=[row.pk]) in root.get(list_of(type(row))).content.decode()
    page = root.get(reverse("admin:recordings_recording_change", args=[row.pk])).content.decode()
    assert "never-to-be-shown" not in page


def test_retrieve_now_does_what_the_page_does(root):
    files = cast.failing(cast.recording(RecordingState.ENDED), left=0.5, error="503").files
    file = files.get(state=MediaState.FAILED)
    answer = root.post(list_of(MediaFile), {"action": "retrieve_now", "_selected_action": [file.pk]}, follow=True)
    assert "Retrieval of 1 file was asked for." in answer.content.decode()
    file.refresh_from_db()
    assert file.next_attempt_at is None


def test_process_again_does_what_the_page_does(root):
    cast.chunk(cast.recording(RecordingState.ENDED))
    Notification.objects.update(state=NotificationState.FAILED)
    chosen = [row.pk for row in Notification.objects.all()]
    answer = root.post(list_of(Notification), {"action": "replay", "_selected_action": chosen}, follow=True)
    assert "1 notification is processed again." in answer.content.decode()
    assert not Notification.objects.filter(state=NotificationState.FAILED).exists()


def test_it_looks_like_part_of_the_product(root):
    page = root.get(reverse("admin:index")).content.decode()
    assert "css/admin.css" in page
    assert 'href="/library/"' in page
    assert "Django" not in page


def test_a_large_table_is_not_counted_twice(root, django_assert_max_num_queries):
    for _ in range(5):
        cast.recording()
    with django_assert_max_num_queries(12):
        root.get(list_of(apps.get_model("recordings.Recording")))
