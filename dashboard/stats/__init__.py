"""
Hop 8, the questions: `StatsQuery` -> one gate -> rows. Pages, API and files all ask through `answer`.
"""
