"""The steps of a recording from its notification to the archive. They never call each other: the rows hand over."""
