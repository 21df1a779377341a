"""
Hop 8, the pages: what people see. Every page works without JavaScript and runs under a strict content policy.
"""
