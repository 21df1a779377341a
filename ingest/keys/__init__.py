"""
Keys that die: the keyring, and the calendar of salts. Only the keeper opens the keyring.
"""
