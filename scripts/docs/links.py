#!/usr/bin/env python3
"""links.py DIRECTORY: follows every link, image, script and anchor of the pages below it, offline. Exit code 1 if any leads
nowhere. Addresses of other sites are counted, not asked for; whatever a page would load from one is an error."""
import html.parser
import pathlib
import re
import sys
import urllib.parse

LOADS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if attrs.get("id"):
            self.ids.add(attrs["id"])
        if tag == "a" and attrs.get("name"):
            self.ids.add(attrs["name"])
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        if tag in LOADS and attrs.get(LOADS[tag]):
            self.loads.append(attrs[LOADS[tag]])


def main():
    top = pathlib.Path(sys.argv[1]).resolve()
    pages = {path: Page(path.read_text()) for path in sorted(top.rglob("*.html"))}
    wrong, followed, elsewhere = [], 0, 0
    for path, page in pages.items():
        for link in page.links + page.loads:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                elsewhere += 1
                if link in page.loads:
                    wrong.append(f"{path.relative_to(top)}: loads {link} from the network")
                continue
            followed += 1
            target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_relative_to(top) or not target.exists():
                wrong.append(f"{path.relative_to(top)}: {link} is not there")
            elif parts.fragment and target in pages and urllib.parse.unquote(parts.fragment) not in pages[target].ids:
                wrong.append(f"{path.relative_to(top)}: {link}: no such anchor")
    for path in sorted(top.rglob("*.css")):
        for link in re.findall(r"url\(['\"]?([^'\")]+)", path.read_text()):
            if link.startswith("data:"):
                continue
            followed += 1
            if urllib.parse.urlsplit(link).scheme or not (path.parent / urllib.parse.unquote(link.partition("?")[0].partition("#")[0])).exists():
                wrong.append(f"{path.relative_to(top)}: {link} is not there")
    for each in wrong:
        print(each, file=sys.stderr)
    print(f"{len(pages)} pages, {followed} links followed, {elsewhere} to other sites, {len(wrong)} broken")
    return 1 if wrong or not followed else 0


if __name__ == "__main__":
    sys.exit(main())
