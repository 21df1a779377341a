"""
The signals, by group. Each is a pure function of the evidence; its docstring is its reasoning.
"""
