"""nbgrader's settings, read by every `nbgrader` command that is started in this folder."""

import os
import sys
import warnings
from pathlib import Path

from sqlalchemy.exc import SAWarning

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here))  # the grader belongs to the course's folder, and is not installed

from grader.release import STUB  # noqa: E402

(here / "grading").mkdir(exist_ok=True)
programs = Path(sys.executable).parent
os.environ["PATH"] = os.pathsep.join([str(programs), os.environ.get("PATH", "")])  # for alembic
warnings.simplefilter("ignore", SAWarning)  # nbgrader's own business with its gradebook
os.environ.update(AECOURSE_PROGRESS="0", AECOURSE_STATIC="1")

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "autoencoders"
c.CourseDirectory.root = str(here)
c.CourseDirectory.db_url = f"sqlite:///{here / 'grading' / 'gradebook.db'}"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = "grading/submitted"
c.CourseDirectory.autograded_directory = "grading/autograded"
c.CourseDirectory.feedback_directory = "grading/feedback"
c.CourseDirectory.solution_directory = "grading/solution"
# Notebooks alone pass: no other file of a submission, nor a link in it, is copied.
c.CourseDirectory.ignore = ["*"]
c.ClearSolutions.code_stub = {"python": STUB}
c.ClearSolutions.text_stub = "*Your answer here.*"
c.GenerateAssignment.preprocessors.append("grader.release.Release")
c.Autograde.pre_convert_hook = "grader.autograding.find_notebook"
c.Autograde.post_convert_hook = "grader.autograding.entered"
c.Autograde.exporter_class = "grader.autograding.Submission"
c.Autograde.autograde_preprocessors = [
    "grader.autograding.Judge",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "markdown2html": "grader.showing.markdown",
    "clean_html": "grader.showing.clean",
    "strip_files_prefix": "grader.showing.as_it_is",
}
c.GenerateFeedback.exporter_class = "grader.showing.Page"
if "nbgrader.server_extensions.formgrader" in sys.modules:  # this is JupyterLab
    from grader import showing

    showing.guard()
c.ExportApp.plugin_class = "grader.autograding.Marks"
c.Marks.to = "grading/grades.csv"
