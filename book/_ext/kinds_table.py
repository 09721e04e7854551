"""`{kinds}`: what the command line trains, as the register of objectives has it."""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from aecourse.objectives.register import KINDS


class Kinds(SphinxDirective):
    """A table: model, what its weight multiplies, the default."""

    def run(self):
        lines = ["| model | `--weight` | default |", "| :--- | :--- | ---: |"]
        for name, kind in KINDS.items():
            lines.append(f"| `{name}` | {kind.meaning} | {kind.weight:g} |")
        box = nodes.container()
        self.state.nested_parse(StringList(lines, "aecourse/objectives/register.py"), 0, box)
        return box.children


def setup(app):
    app.add_directive("kinds", Kinds)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
