"""
What only a real browser can show: the tracker in real pages, and the whole road from a page to the dashboard.
"""
