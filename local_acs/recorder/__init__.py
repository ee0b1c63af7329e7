"""Records one call: `python -m local_acs.recorder <directory>` while it runs, `finish` once it has ended."""

from local_acs.recorder.finish import FinishedChunk, finish
from local_acs.recorder.lock import StillRecordingError

__all__ = ["FinishedChunk", "StillRecordingError", "finish"]
