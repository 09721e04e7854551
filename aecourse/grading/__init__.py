"""Exercises: the checks that a learner sees, and what turns a solution into what a learner gets."""
