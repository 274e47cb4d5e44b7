"""The folder of a local stack: what lies where in it, and what the stack that runs there says of itself.

Read by the stack, by the command line and by the client, so it imports neither; it starts and ends nothing.
"""
