"""
The checks of `daysalt doctor`, by what they look at.
"""
