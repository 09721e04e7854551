"""nbgrader's settings, read by every `nbgrader` command that is started in this folder."""
import os
import sys
import warnings
from pathlib import Path

from sqlalchemy.exc import SAWarning

from aecourse.grading.release import STUB

here = Path(__file__).resolve().parent
(here / "grading").mkdir(exist_ok=True)
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # nbgrader calls alembic
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
c.CourseDirectory.ignore = ["*"]  # notebooks alone pass: no other file of a submission, nor a link in it, is copied
c.ClearSolutions.code_stub = {"python": STUB}
c.ClearSolutions.text_stub = "*Your answer here.*"
c.GenerateAssignment.preprocessors.append("aecourse.grading.release.Release")
c.Autograde.pre_convert_hook = "aecourse.grading.autograding.find_notebook"
c.Autograde.post_convert_hook = "aecourse.grading.autograding.entered"
c.Autograde.exporter_class = "aecourse.grading.autograding.Submission"
c.Autograde.autograde_preprocessors = [
    "aecourse.grading.autograding.Judge", "nbgrader.preprocessors.IgnorePattern", "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput", "nbgrader.preprocessors.SaveAutoGrades", "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata"]
c.HTMLExporter.sanitize_html = True
c.ExportApp.plugin_class = "aecourse.grading.autograding.Marks"
c.Marks.to = "grading/grades.csv"
