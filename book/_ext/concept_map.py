"""`{concept-map}` draws book/concepts.yml for learners; `{concept-modules}` lists what implements
each concept.

The map is a list of links, in the order of the curriculum, that any reader can read as text; the
arcs on its left lead from what comes first to what builds on it. Nothing in it is raw HTML but
these arcs, so that the book's build checks every link.
"""

import math
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

PARTS = {
    "principles": "Principles",
    "losses": "Losses",
    "regularizers": "Regularizers",
    "variants": "Variants",
    "applications": "Applications",
}


class ConceptDirective(SphinxDirective):
    """What both directives share: the concepts, and Markdown that becomes nodes."""

    def concepts(self):
        path = Path(self.env.srcdir, "book", "concepts.yml")
        self.env.note_dependency(str(path))
        return yaml.safe_load(path.read_text(encoding="utf-8"))

    def markdown(self, text):
        box = nodes.container()
        self.state.nested_parse(
            StringList(text.splitlines(), self.env.docname), self.content_offset, box
        )
        return box.children

    def exists(self, chapter):
        self.env.note_dependency(str(Path(self.env.srcdir, chapter)))
        return Path(self.env.srcdir, chapter).is_file()


class ConceptMap(ConceptDirective):
    def run(self):
        concepts = self.concepts()
        box = nodes.container(classes=["concept-map"])
        box += nodes.raw("", drawing(concepts), format="html")
        for part, title in PARTS.items():
            box += nodes.container("", *self.markdown(f"**{title}**"), classes=["concept-part"])
            items = nodes.bullet_list(classes=["concept-list"])
            items += [
                self.item(name, concepts)
                for name, concept in concepts.items()
                if concept["part"] == part
            ]
            box += items
        return [box]

    def item(self, name, concepts):
        """Its title, linked if its chapter exists; what comes before it; where it is practised."""
        concept = concepts[name]
        written = self.exists(concept["chapter"])
        title = f"[{concept['title']}](../{concept['chapter']})" if written else concept["title"]
        after = [
            f"[{concepts[need]['title']}](#{anchor(need)})" for need in concept.get("needs", [])
        ]
        practice = [
            f"[{exercise.replace('_', ' ')}](../exercises/{exercise}/{exercise}.ipynb)"
            for exercise in concept.get("exercises", [])
        ]
        notes = ["after " + ", ".join(after)] if after else []
        notes += ["exercise " + ", ".join(practice)] if practice else []
        node = nodes.list_item(
            "",
            *self.markdown(title),
            *self.markdown(" · ".join(notes)),
            classes=["concept" if written else "concept concept-planned"],
            names=[anchor(name)],
        )
        self.state.document.note_explicit_target(node, node)
        return node


class ConceptModules(ConceptDirective):
    def run(self):
        lines = ["| concept | modules |", "|---|---|"]
        for concept in self.concepts().values():
            modules = ", ".join(
                f"`{module.removeprefix('aecourse/')}`" for module in concept.get("modules", [])
            )
            lines += [f"| {concept['title']} | {modules} |"] * bool(modules)
        return self.markdown("\n".join(lines))


def anchor(name):
    return "map-" + name.replace("_", "-")


def rows(concepts):
    """The row in which each concept stands; the title of a part takes a row too."""
    found, row = {}, 0
    for part in PARTS:
        row += 1
        for name, concept in concepts.items():
            if concept["part"] == part:
                found[name], row = row, row + 1
    return found, row


def drawing(concepts):
    """The arcs between concepts, in rows of height 10, and the rule that shows those of a row."""
    at, count = rows(concepts)
    arcs, rules = [], []
    for name, concept in concepts.items():
        for need in concept.get("needs", []):
            start, end = (10 * at[row] + 5 for row in (need, name))
            depth = 98 * math.sqrt((end - start) / (10 * count))
            arcs.append(
                f'<path class="{anchor(need)} {anchor(name)}" d="M96 {start}'
                f' C{96 - 1.3 * depth:.1f} {start} {96 - 1.3 * depth:.1f} {end} 96 {end}"/>'
            )
        rules.append(
            f".concept-map:has(#{anchor(name)}:is(:hover, :focus-within, :target)) .{anchor(name)}"
        )
    return (
        f'<svg aria-hidden="true" viewBox="0 0 100 {10 * count}"'
        f' preserveAspectRatio="none">{"".join(arcs)}</svg>'
        f"<style>{', '.join(rules)} {{ opacity: 1; stroke: var(--pst-color-primary); }}</style>"
    )


def setup(app):
    app.add_directive("concept-map", ConceptMap)
    app.add_directive("concept-modules", ConceptModules)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
