"""The last step of `nbgrader generate_assignment`: the exercise in the form in which the repository
keeps notebooks.
"""

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

SOLUTION = (
    "solution"  # the tag of a cell that learners do not get: a rubric, an explanation of mistakes
)
STUB = 'raise NotImplementedError("not written yet: replace this line")'


class Release(NbGraderPreprocessor):
    """Drops what is the instructor's, and marks the checks: in the blank form each meets something
    not written yet.
    """

    def preprocess(self, nb, resources):
        nb.cells = [cell for cell in nb.cells if SOLUTION not in cell.metadata.get("tags", [])]
        for cell in nb.cells:
            self.tag(cell)
        nb.metadata = NotebookNode(
            {"kernelspec": nb.metadata.kernelspec, "language_info": {"name": "python"}}
        )
        return nb, resources

    def tag(self, cell):
        """Jupyter runs on past a cell tagged `raises-exception`; there is no output to compare in a
        blank.
        """
        tags = set(cell.metadata.get("tags", [])) - {"nbval-check-output"}
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            tags.add("raises-exception")
        cell.metadata.pop("tags", None)
        if tags:
            cell.metadata["tags"] = sorted(tags)
