"""Code that runs inside the sandbox, in the target's own interpreter (Python 3.9 or newer).

Standard library only (pytest and coverage only where the target's environment has them). Each file is
copied into the sandbox and started by path; none is run on the host against a repository.
"""
