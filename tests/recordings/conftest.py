"""The cast of the retrieval tests: a content host, a resource that lives there, and a chunk with its two files."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from recordings import clock, manifest
from recordings.models import Chunk, MediaFile, Recording, Resource
from recordings.pipeline import archive, claims, retrieve
from recordings.states import RecordingState
from tests import rows
from tests.recordings import media
from tests.recordings.content_server import Behaviour, ContentHost

KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@dataclass
class Scene:
    """One ended recording of one chunk, whose files the host keeps."""

    host: ContentHost
    resource: Resource
    recording: Recording
    chunk: Chunk
    media: MediaFile
    metadata: MediaFile
    body: bytes

    @property
    def media_path(self) -> str:
        return f"/v1/objects/{self.chunk.document_id}/content/video"

    def serve(self, *script: Behaviour, body: bytes | None = None, validator: str = '"v1"') -> None:
        """Sets how the media is served from now on."""
        self.body = self.body if body is None else body
        self.host.put(self.media_path, self.body, *script, validator=validator)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real MP4 of three seconds."""
    return media.mp4(tmp_path_factory.mktemp("recorded") / "a.mp4").read_bytes()


@pytest.fixture
def host() -> Iterator[ContentHost]:
    with ContentHost() as running:
        yield running


@pytest.fixture
def resource(host: ContentHost, settings: Settings) -> Resource:
    """A resource whose key the settings hold; needs the database."""
    settings.ACS_ENDPOINT, settings.ACS_ACCESS_KEY = host.endpoint, KEY
    return rows.resource(endpoint=host.endpoint)


@pytest.fixture
def scene(host: ContentHost, resource: Resource, recorded: bytes) -> Scene:
    recording = rows.recording(RecordingState.ENDED, resource=resource, duration_ms=3000, format_type="mp4")
    chunk = rows.chunk(recording, expires_at=clock.now() + timedelta(hours=24))
    place = f"/v1/objects/{chunk.document_id}"
    Chunk.objects.filter(pk=chunk.pk).update(
        content_location=host.put(f"{place}/content/video", recorded),
        metadata_location=host.put(f"{place}/content/acsmetadata", media.metadata(chunk.document_id)),
        delete_location=host.put(place, b"x"),
    )
    chunk.refresh_from_db()
    by_artefact = {file.artefact: file for file in chunk.files.all()}
    return Scene(host, resource, recording, chunk, by_artefact["media"], by_artefact["metadata"], recorded)


@pytest.fixture
def spool(settings: Settings) -> Path:
    return Path(settings.SPOOL_DIR)


@pytest.fixture
def secured(scene: Scene) -> Scene:
    """The same chunk, both files in the archive."""
    for file in (scene.media, scene.metadata):
        retrieve.retrieve(claims.claim(file))
        file.refresh_from_db()
        assert archive.archive(file)
        file.refresh_from_db()
    manifest.write(scene.recording)
    scene.recording.refresh_from_db()
    return scene
