"""Joins a recording rebuilt from its manifest with the rows under which it became known again before the rebuild.

So it is when an installation without its database was started first: the service announced the file once more.
"""

from collections.abc import Collection, Mapping, Sequence

from django.db.models import Q

from recordings import adoption, losses, manifest
from recordings.models import Chunk, MediaFile, Recording
from recordings.states import MediaState

BECAUSE = "The archive holds it, as the manifest says."


def of(recording: Recording, documents: Collection[str]) -> list[Recording]:
    """Rows that share a name or a document with `recording`, which is not saved yet; the oldest first."""
    names = manifest.identities(recording)
    same = Q(identity__in=names) | Q(former_identity__in=names) | Q(chunks__document_id__in=documents)
    if recording.recording_id:
        same |= Q(recording_id=recording.recording_id)
    found = Recording.objects.filter(same, resource=recording.resource_id).exclude(pk=recording.pk).distinct()
    return list(found.order_by("requested_at", "id"))


def make_room(recording: Recording, twins: Sequence[Recording], documents: Collection[str]) -> dict[str, Chunk]:
    """Lets the unsaved `recording` and its chunks be saved beside `twins`; returns their chunks of its `documents`.

    Names are unique: `recording` is left without those that a twin has, and gets them back when they are joined.
    """
    if recording.identity in {twin.identity for twin in twins}:
        recording.identity = ""
    if recording.recording_id in {twin.recording_id for twin in twins}:
        recording.recording_id = None
    theirs = Chunk.objects.filter(recording__in=twins, document_id__in=documents)
    aside = {chunk.document_id: chunk for chunk in theirs}
    for chunk in aside.values():
        Chunk.objects.filter(pk=chunk.pk).update(document_id=str(chunk.pk))
    return aside


def join(recording: Recording, twins: Sequence[Recording], aside: Mapping[str, Chunk]) -> Recording:
    """One row of all of them. Of each document one chunk stays, with whichever of its files are in the archive."""
    for document, theirs in aside.items():
        ours = Chunk.objects.get(recording=recording, document_id=document)
        _take_archived(ours, theirs)
        if theirs.remote_deleted_at and not ours.remote_deleted_at:
            Chunk.objects.filter(pk=ours.pk).update(remote_deleted_at=theirs.remote_deleted_at)
        theirs.delete()
    for twin in twins:
        recording = adoption.merge(twin, into=recording)
    here = MediaFile.objects.filter(
        chunk__recording=recording, artefact=MediaFile.Artefact.MEDIA, state=MediaState.ARCHIVED
    )
    for index in here.values_list("chunk__index", flat=True):
        losses.recover(recording, chunk_index=index, because=BECAUSE)
    recording.refresh_from_db()
    return recording


def _take_archived(ours: Chunk, theirs: Chunk) -> None:
    """Files that are archived only under `theirs` replace those of `ours`."""
    archived = set(ours.files.filter(state=MediaState.ARCHIVED).values_list("artefact", flat=True))
    for file in theirs.files.filter(state=MediaState.ARCHIVED).exclude(artefact__in=archived):
        ours.files.filter(artefact=file.artefact).delete()
        MediaFile.objects.filter(pk=file.pk).update(chunk=ours)
