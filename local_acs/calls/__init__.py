"""The calls that can be recorded: who is in them, and the camera and microphone of each participant."""
