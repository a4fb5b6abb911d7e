"""Approvals: people sign for a delivery that waits for them, and it is made once enough of them have.

A run that ends with a verified patch which the schedule lets nobody deliver alone leaves a *request* in its
trace: a statement of what would be delivered. An *approval* is a detached SSH signature over that statement;
who may sign is said by an `allowed_signers` file from outside the change. All of it are events of the trace.
"""
