"""
Retention: destroying keys on time, and proving it. Runs in the keeper; only tests run it elsewhere.
"""
