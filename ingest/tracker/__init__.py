"""
The tracker: the script other people's pages load, and what serves it. Not one of the hops; it feeds the first.
"""
