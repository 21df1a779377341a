"""
The commands, one noun per module.
"""
