"""
The registry: sites, goals, people and keys, in SQLite by default or PostgreSQL by address.
"""
