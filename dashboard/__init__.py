"""
The read side: questions, JSON, pages, charts. Holds nothing secret and never imports `ingest`.
"""
