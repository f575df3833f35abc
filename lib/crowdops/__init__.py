"""The library that all crowdops scripts share.

Data flows one way: script → operation → provider or registry. docs/architecture.md says how the folders meet.
"""

__version__ = "0.3.0"
