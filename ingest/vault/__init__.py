"""
The vault lane: addresses, encrypted in the collector's memory, on their way into the table that forgets them by day.
"""
