"""
Clients of others, unmodified, against a running Daysalt: whoever changes only the host name stays counted.
"""
