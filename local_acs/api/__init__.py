"""The HTTP surfaces, one module per protocol."""
