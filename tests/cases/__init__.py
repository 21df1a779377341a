"""
The events API's black-box cases against a running server.
"""
