"""
What both sides know of the promises: the register of periods, and the proofs that they were kept. Holds no secret.
"""
