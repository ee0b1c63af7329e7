"""Chooses what plays each participant's camera and microphone."""

import logging
from pathlib import Path

from local_acs.calls.generated import GeneratedLeg
from local_acs.calls.legs import Leg
from local_acs.calls.media_file import BadMediaFileError, MediaFileLeg
from local_acs.calls.person import person
from local_acs.recorder.spec import Participant

logger = logging.getLogger(__name__)


class Cast:
    """Deals the files of a folder, in the order of their names, to the participants in the order they come.

    Who comes when no file is left is generated. Whoever comes back has the same file again.
    """

    def __init__(self, media_dir: Path | None) -> None:
        self._files = _media_files(media_dir) if media_dir else []
        self._dealt: dict[str, Path] = {}

    def leg(self, participant: Participant) -> Leg:
        """Return a leg for somebody who joins; a file that cannot be played is named in the log and not used."""
        who = person(participant.participant_id, participant.display_name)
        path = self.deal(participant.participant_id)
        if path is None:
            return GeneratedLeg(who)
        try:
            return MediaFileLeg(who, path)
        except BadMediaFileError as error:
            logger.warning("%s; %s is generated instead", error, who.display_name)
            return GeneratedLeg(who)

    def deal(self, participant_id: str) -> Path | None:
        """Return the file of a participant, None when there is none for them. Dealt in order, also to who has left."""
        if participant_id not in self._dealt and self._files:
            self._dealt[participant_id] = self._files.pop(0)
        return self._dealt.get(participant_id)


def _media_files(media_dir: Path) -> list[Path]:
    try:
        return sorted(path for path in media_dir.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        logger.warning("the media folder cannot be read, all participants are generated: %s", error)
        return []
