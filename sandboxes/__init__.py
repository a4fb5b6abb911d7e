"""Where steps run: Docker containers, images and environments, and the runner inside.

What lives here: life cycle and runtime of sandboxes, set-up of the engine, base and environment images.
What may not: anything about tests, patches or prices, or imports from `agent`, `tools` and `policies`.
"""
