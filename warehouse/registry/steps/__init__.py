"""
Numbered, forward-only schema steps of the registry, one SQL file each; never edit an applied one.
"""
