"""
Attacks on the collector, each with a control that shows the attack works where the defence is missing.
"""
