"""
Sealing of closed days: what still tied rows to one visitor, and to a second, is taken off for good.
"""
