"""A generated participant: a tile with initials, name, running clock and time code, and a voice of their own."""

from datetime import UTC, datetime

from local_acs.calls.person import Person
from local_acs.calls.picture_code import STRIP_HEIGHT, STRIP_WIDTH, strip, strip_corner
from local_acs.calls.planes import Planes
from local_acs.calls.sound_code import Samples
from local_acs.calls.tile_pictures import ANIMATION_FRAMES, TilePictures
from local_acs.calls.voice import sound

_ANIMATION_STEP_MS = 125


class GeneratedLeg:
    """A leg computed from participant id, name and wall clock alone."""

    def __init__(self, who: Person) -> None:
        self._who = who
        self._tile: Planes | None = None
        self._pictures: TilePictures | None = None
        self._talking = False
        self._clock = ""

    @property
    def participant_id(self) -> str:
        return self._who.participant_id

    def sound(self, wall_ms: int, count: int) -> Samples:
        return sound(self._who, wall_ms, count)

    def draw(self, tile: Planes, wall_ms: int) -> None:
        pictures = self._pictures_for(tile)
        talking = self._who.talks_at(wall_ms)
        if tile is not self._tile or talking != self._talking:
            self._tile, self._talking, self._clock = tile, talking, ""
            tile.put(pictures.card(talking=talking))
        pictures.animate(tile, wall_ms // _ANIMATION_STEP_MS % ANIMATION_FRAMES, talking=talking)
        self._draw_clock(tile, wall_ms, pictures)
        x, y = strip_corner(tile.width, tile.height)
        tile.y[y : y + STRIP_HEIGHT, x : x + STRIP_WIDTH] = strip(wall_ms, self._who.voice)

    def close(self) -> None:
        self._tile = self._pictures = None

    def _pictures_for(self, tile: Planes) -> TilePictures:
        if self._pictures is None or (self._pictures.width, self._pictures.height) != (tile.width, tile.height):
            self._pictures = TilePictures(self._who, tile.width, tile.height)
        return self._pictures

    def _draw_clock(self, tile: Planes, wall_ms: int, pictures: TilePictures) -> None:
        shown = datetime.fromtimestamp(wall_ms // 1000, UTC).strftime("%H:%M:%S")
        if shown != self._clock:
            pictures.draw_clock(tile, shown, self._clock)
            self._clock = shown
