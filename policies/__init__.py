"""The economics: pure functions of their inputs.

What lives here: the vocabulary (steps, prices, quotes, decisions), beliefs, estimates, the lookahead and
the decision rule. What may not: files, clocks, network, randomness without a seed, or imports from
`agent`, `tools` and `sandboxes`.
"""
