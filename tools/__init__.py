"""What a step does inside a sandbox: read, search, edit, run tests, localise, repair, git.

What lives here: tools that drive a `sandboxes.interface.Runtime`, and `inside/`, the standard-library
code that runs in the sandbox itself. What may not: prices, decisions, the trace, the terminal, or imports
from `agent`; of `policies` only the vocabulary.
"""
