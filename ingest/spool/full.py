"""
What a spool says that takes no more. By itself, as the compiled way and the writer both need it.
"""


class SpoolFull(Exception):
    """
    The spool is at its limit or the disk refuses. Answer 503 with Retry-After; nothing was kept.
    """
