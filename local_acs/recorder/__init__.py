"""Records one call: `python -m local_acs.recorder <directory>` while it runs, `finish` once it has ended."""
