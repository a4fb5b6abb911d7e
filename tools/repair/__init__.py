"""Fault localisation and the embedded repair tier: the host half.

What lives here: drivers that start our inside code in a sandbox, read its reports, and fuse them. What may
not: parsing or executing code of the repository (that is done in the sandbox, by `tools/inside/`).
"""
