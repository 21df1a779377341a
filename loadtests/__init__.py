"""
Benchmarks that need no other machine: `make bench`. Absolute figures do not travel; the ratios of one run do.
"""
