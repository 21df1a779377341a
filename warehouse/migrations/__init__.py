"""
The warehouse's numbered changes, one SQL file each; `warehouse.migrate` applies them.
"""
