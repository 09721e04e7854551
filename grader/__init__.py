"""The grading of exercises: preflight, sandbox, oracles and the hooks of nbgrader.

The course's own machinery, for instructors: it is used from the folder of the course and is not
part of the wheel. What the sandbox sees of it is the folder `inside` alone.
"""
