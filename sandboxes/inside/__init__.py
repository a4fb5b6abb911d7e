"""What runs inside a sandbox: the runner, as text sent to the container's interpreter at start.

What lives here: standard library only, Python 3.8 or later, no import from outside this folder.
What may not: anything that needs a file of ours in the image. `frames` is used on both ends.
"""
