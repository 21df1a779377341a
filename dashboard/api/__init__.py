"""
The JSON answers: stats, sites and drops, for keys.
"""
