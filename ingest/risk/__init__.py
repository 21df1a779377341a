"""
Risk: advice about an address with reasons that add up, from what it did today only.

A collector's `observer` turns sightings into observations keyed by a risk id; `windows` keeps them for the day in one
process per machine; `signals` and `assess` make an assessment of them. No decision is ever made or offered here.
"""
