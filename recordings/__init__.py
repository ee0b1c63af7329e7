"""What is true about recordings, and how it becomes true."""
