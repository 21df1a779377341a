"""
The vault between the processes: its lane in a collector, its keys and reads in the keeper, its drain in the store.
"""
