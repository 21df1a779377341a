"""
The specification of the public HTTP interfaces (OpenAPI 3.1): one module for each area, schemas as data.
"""
