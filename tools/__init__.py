"""The commands of the project.

`python3 -m tools help` lists them; `make` has a target for each.
"""
