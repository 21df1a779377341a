"""
Made-up traffic for the demo and for trying things out: believable, seeded, and nobody's.

No row of it comes from a person: visitor ids are random numbers and no address exists to begin with.
"""
