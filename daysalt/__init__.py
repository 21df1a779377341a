"""
The composition root: the command line and the wiring of the processes. The one place that knows both sides.
"""
