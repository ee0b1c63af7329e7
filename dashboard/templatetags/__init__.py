"""How states, durations, sizes and times are written; nothing else formats them."""
