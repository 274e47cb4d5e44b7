"""The local stack: start it, see its state, try it out, and print versions."""
