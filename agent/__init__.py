"""The runtime: command line, task intake, the loop, tiers, trace, replay and reports.

What lives here: everything that has effects on the host, and the order in which things happen.
What may not: formulas of the economics (they are in `policies`) and work inside the sandbox (`tools`).
"""
