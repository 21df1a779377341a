"""
Daily rollups: what closed days came to, counted once by the same definitions that questions use.
"""
