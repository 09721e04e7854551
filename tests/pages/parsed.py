"""What the tests of pages share: the tags of a page, and a figure."""

import html.parser

from aecourse.pages import BLUE, subplots


class Tags(html.parser.HTMLParser):
    """Every opening tag of a page, as (tag, attributes)."""

    def __init__(self, page):
        super().__init__()
        self.all = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.all.append((tag, dict(attributes)))

    def named(self, tag):
        return [attributes for name, attributes in self.all if name == tag]


def figure(values=(1, 3, 2), colour=BLUE):
    fig, ax = subplots()
    ax.plot(values, color=colour, label="loss")
    ax.set(xlabel="step", title="a < b")
    ax.legend()
    return fig
