"""What the exercises import: checks that a learner sees, and that name the idea which was
missed.
"""

from aecourse.exercises.checks import carries_gradient, expect, without_autograd

__all__ = ["carries_gradient", "expect", "without_autograd"]
