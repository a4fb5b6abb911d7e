"""The embedded repair tier's inner half: it runs in the sandbox, in the target's own interpreter.

What lives here: sources with byte spans, the templates and their registry, the enumeration of candidates,
and the screening of candidates in forked children. Standard library only, Python 3.9 or newer; pytest is
the target environment's own. What may not live here: anything that the host imports while it works on a
repository (the host half is `tools/repair/`).
"""
