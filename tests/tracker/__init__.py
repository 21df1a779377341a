"""
The tracker without a browser: its size, what its source may contain, and how it is served.
"""
