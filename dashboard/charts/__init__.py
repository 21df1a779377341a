"""
Charts as SVG geometry: lines, sparklines and the world map, without a style attribute or a script.
"""
