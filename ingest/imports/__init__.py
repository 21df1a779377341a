"""
Getting history in: files of events from elsewhere, brought into the store once, whatever happens meanwhile.
"""
