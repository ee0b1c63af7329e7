"""Chooses what plays each participant's camera and microphone."""

from pathlib import Path

from local_acs.calls.generated import GeneratedLeg
from local_acs.calls.legs import Leg
from local_acs.calls.person import person
from local_acs.recorder.spec import Participant


class Cast:
    """Gives each participant a leg."""

    def __init__(self, media_dir: Path | None) -> None:
        self._media_dir = media_dir

    def leg(self, participant: Participant) -> Leg:
        return GeneratedLeg(person(participant.participant_id, participant.display_name))
