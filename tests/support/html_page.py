"""A report's page as its tags, attributes and text."""

from html.parser import HTMLParser

ATTACK = "</text><script>alert(1)</script>\"'><img src=http://evil.test/x onerror=y>"


class Page(HTMLParser):
    """Collects tags, attributes and the text outside styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.is_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.is_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self.is_style = False

    def handle_data(self, data: str) -> None:
        if not self.is_style:
            self.text += data.replace("\u00a0", " ")
