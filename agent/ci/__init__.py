"""`agent ci`: the failing tests of a CI job in, a verified patch and an honest exit code out.

A *job* surveys the base once (environment, suite, looks at what fails), groups failures by cause into tasks,
has each done as an ordinary run under what is left of the job's limits, and verifies the patches together.
"""

RESULT, TRACES = "result.json", "traces"
"""In the folder of a job."""
