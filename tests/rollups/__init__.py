"""
Tests of the closing of days.
"""
