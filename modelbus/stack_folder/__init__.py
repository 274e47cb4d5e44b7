"""The folder of a local stack: its paths, and the state of the stack that runs there.

Read by the stack, by the command line and by the client, so it imports none of them; it starts and ends nothing.
"""
