"""A verified patch handed on: what may be (`finding.py`, `allowed.py`), what is said of it (`words.py`),
where (`places.py`, `hosts.py`, over `api.py`), and that it is done once (`sending.py`).

Nothing here runs or checks out code of a repository, and no text of one is anything but text in what is sent.
"""
