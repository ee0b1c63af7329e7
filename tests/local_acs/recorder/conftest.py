"""Media files for those who want to play one."""

from tests.local_acs.media_files import make_media

__all__ = ["make_media"]
