"""Tiers besides the embedded one: who can produce a patch or a plan, at a price.

What lives here: the `Tier` protocol and its implementations, and the clients that models are asked through.
What may not: decisions, the ledger, or anything that touches the user's tree.
"""
