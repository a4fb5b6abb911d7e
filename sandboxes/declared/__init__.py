"""What a repository declares to need: one module per format, all of it read as data.

What may not live here: anything that runs, imports or parses code of a repository, reaches the network, or
lets through more than named requirements (`named.py`). Entry point: `sandboxes.requirements`.
"""
