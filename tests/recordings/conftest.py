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
    """One ended recording of one chunk, whose files the host keeps under /media and /metadata."""

    host: ContentHost
    resource: Resource
    recording: Recording
    chunk: Chunk
    media: MediaFile
    metadata: MediaFile
    body: bytes

    def serve(self, *script: Behaviour, body: bytes | None = None, validator: str = '"v1"') -> None:
        """Sets how the media is served from now on."""
        self.body = self.body if body is None else body
        self.host.put("/media", self.body, *script, validator=validator)


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
    chunk = rows.chunk(
        recording,
        content_location=host.put("/media", recorded),
        expires_at=clock.now() + timedelta(hours=24),
    )
    Chunk.objects.filter(pk=chunk.pk).update(
        metadata_location=host.put("/metadata", media.metadata(chunk.document_id)),
        delete_location=host.put(f"/v1/objects/{chunk.document_id}", b"x"),
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
