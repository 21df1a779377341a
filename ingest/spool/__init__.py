"""
Hop 5: the spool, the only bridge between the collectors and the drain. Knows nothing of HTTP, salts or the store.
"""
