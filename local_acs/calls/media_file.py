"""A media file as a participant's camera and microphone: anything FFmpeg reads, in a loop."""

import logging
from pathlib import Path

import numpy as np
from av import FFmpegError

from local_acs.calls.file_tracks import PictureTrack, SoundTrack, loop_ms
from local_acs.calls.generated import GeneratedLeg
from local_acs.calls.name_plate import NamePlate
from local_acs.calls.person import Person
from local_acs.calls.planes import Planes
from local_acs.calls.sound_code import PER_MS, Samples

logger = logging.getLogger(__name__)

_LOUDNESS = 0.5
_UNREADABLE = (FFmpegError, OSError, ValueError)


class BadMediaFileError(ValueError):
    """A file cannot be anybody's camera or microphone; the message names it and says why."""


class MediaFileLeg:
    """A leg played from a file. Its place in the file follows the wall clock, so recorders of one call agree.

    A file without pictures has the generated tile, one without sound is silent. One that fails in the middle says so in
    the log and is generated from then on.
    """

    def __init__(self, who: Person, path: Path) -> None:
        """Open a file; raises BadMediaFileError when there is neither picture nor sound in it."""
        self._who, self._path = who, path
        self._generated = GeneratedLeg(who)
        self._failed = False
        self._plate: NamePlate | None = None
        self._tile: Planes | None = None
        try:
            self._loop_ms = loop_ms(path)
            self._camera = PictureTrack.open(path)
            self._microphone = SoundTrack.open(path)
        except _UNREADABLE as error:
            raise BadMediaFileError(f"{path} cannot be read: {error}") from error
        if self._camera is None and self._microphone is None:
            raise BadMediaFileError(f"{path} has neither pictures nor sound")

    @property
    def participant_id(self) -> str:
        return self._who.participant_id

    def sound(self, wall_ms: int, count: int) -> Samples:
        if self._failed:
            return self._generated.sound(wall_ms, count)
        if self._microphone is None:
            return np.zeros(count, np.float32)
        try:
            return self._looped_sound(self._microphone, wall_ms, count)
        except _UNREADABLE as error:
            self._give_up(error)
            return self._generated.sound(wall_ms, count)

    def draw(self, tile: Planes, wall_ms: int) -> None:
        if self._failed or self._camera is None:
            self._generated.draw(tile, wall_ms)
            return
        try:
            picture = self._camera.picture_at(wall_ms % self._loop_ms, tile.width, tile.height)
        except _UNREADABLE as error:
            self._give_up(error)
            self._generated.draw(tile, wall_ms)
            return
        if picture is None and tile is self._tile:
            return
        self._show(tile, picture or self._camera.last_picture(tile.width, tile.height))

    def close(self) -> None:
        for track in (self._camera, self._microphone):
            if track is not None:
                track.close()

    def _show(self, tile: Planes, picture: Planes) -> None:
        if self._plate is None or self._tile is not tile:
            self._plate = NamePlate(self._who.display_name, tile.width, tile.height)
        self._tile = tile
        tile.put(picture)
        self._plate.paint(tile)

    def _looped_sound(self, track: SoundTrack, wall_ms: int, count: int) -> Samples:
        sound = np.empty(count, np.float32)
        filled = 0
        while filled < count:
            place = (wall_ms * PER_MS + filled) % (self._loop_ms * PER_MS)
            length = min(count - filled, self._loop_ms * PER_MS - place)
            sound[filled : filled + length] = track.samples_at(place, length)
            filled += length
        return sound * np.float32(_LOUDNESS)

    def _give_up(self, error: Exception) -> None:
        logger.warning("%s fails while playing, its participant is generated from now on: %s", self._path, error)
        self._failed = True
