"""
The trial of the risk rules: made-up people and programs with known labels, played through the real windows.

Everything is drawn from ranges by a seed. Seeds below 1,000 were used while points and limits were chosen; figures that
are told come from seeds from 1,000 on.
"""
