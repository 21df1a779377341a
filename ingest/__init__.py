"""
The write side, from the socket to the warehouse. Holds everything secret.
"""
