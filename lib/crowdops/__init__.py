"""The thin library that all crowdops scripts share.

Data flows one way: script → operation → provider or registry. README.md has the floor plan.
"""

__version__ = "0.1.0"
