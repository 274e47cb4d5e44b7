"""Builds the documentation site into ``build/site``: ``python -m tools.site``, or ``make docs``.

The pages are laid out in ``build/site-pages`` as in the repository, so that their links work. Other files that a page
links to (scripts, modules) become pages, and a folder is replaced by its README. A dead link or anchor, or a page that
loads anything from another site, fails the build.

It runs in the environment of ``make docs``, and does not import Modelbus.
"""

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = ROOT / "build" / "site-pages"
SITE: Final = ROOT / "build" / "site"
ZENSICAL: Final = str(Path(sys.executable).with_name("zensical"))
LOOK_S: Final = 1.0
SHIM: Final = "docs/site/iframe-worker.js"
"""Makes search work in pages that are opened from disk."""
FOREIGN_SHIM: Final = "https://unpkg.com/iframe-worker/shim"

LINK: Final = re.compile(r"(\]\()([^)\s]+)(\))")
FENCE: Final = re.compile(r"^( *)(`{3,}).*?^\1\2`*$", re.MULTILINE | re.DOTALL)
LOADED_FROM_ELSEWHERE: Final = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"?(?:https?:)?//[^\s\">]+")
STYLED_FROM_ELSEWHERE: Final = re.compile(r"<link\b[^>]*\bhref=\"?(?:https?:)?//[^\s\">]+")
LANGUAGES: Final = {".py": "python", ".mjs": "javascript", ".toml": "toml", ".sh": "sh"}
_FRAME_STYLE: Final = re.compile(r"<style scoped>.*?</style>\n", re.DOTALL)
_FRAME: Final = re.compile(r'<table border="1" class="dataframe">')
"""A DataFrame as drawn by pandas; on the site it is an ordinary table."""


class BrokenSite(Exception):
    """The site cannot be built; the message names the location of the error."""


def written_pages() -> list[Path]:
    """Every hand-written page, relative to the repository's root."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")]
    return sorted(path.relative_to(ROOT) for path in [*found, ROOT / "benchmarks" / "README.md"])


def lay_out() -> None:
    """Lay out all pages.

    Raises:
        BrokenSite: A link target does not exist.
    """
    pages = written_pages()
    files: set[Path] = set()
    for page in pages:
        text, linked = _with_links_to_pages(page, (ROOT / page).read_text(encoding="utf-8"))
        files.update(linked)
        _write(PAGES / page, text)
    for file in sorted(files):
        _write(PAGES / f"{file}.md", _page_of_file(file))
    for path in sorted((ROOT / "docs" / "site").iterdir()):
        if path.suffix != ".md":
            shutil.copy(path, PAGES / "docs" / "site" / path.name)
    _lay_out_notebooks()


def _with_links_to_pages(page: Path, text: str, pictures: Collection[str] = ()) -> tuple[str, set[Path]]:
    """A page with links to pages and its own pictures only, and the files that must become pages for that."""
    files: set[Path] = set()

    def led(match: re.Match[str]) -> str:
        target, hash_sign, anchor = match[2].partition("#")
        if not target or "://" in target or target in pictures:
            return match[0]
        path = (ROOT / page.parent / target).resolve()
        if not path.exists():
            raise BrokenSite(f"{page}: link target {target} does not exist")
        if path.is_dir():
            target = f"{target.rstrip('/')}/README.md"
        elif path.suffix == ".ipynb":
            target = target.removesuffix(".ipynb") + ".md"
        elif path.suffix != ".md":
            files.add(path.relative_to(ROOT))
            target = f"{target}.md"
        return f"{match[1]}{target}{hash_sign}{anchor}{match[3]}"

    parts = list(_parts(text))
    return "".join(part if is_code else LINK.sub(led, part) for part, is_code in parts), files


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Yield text and code blocks in order, each with whether it is code."""
    end = 0
    for match in FENCE.finditer(text):
        yield text[end : match.start()], False
        yield match[0], True
        end = match.end()
    yield text[end:], False


def _page_of_file(file: Path) -> str:
    """A page that shows a file; it is excluded from search."""
    language = LANGUAGES.get(file.suffix, "text")
    text = (ROOT / file).read_text(encoding="utf-8").rstrip()
    return f"---\nsearch:\n  exclude: true\n---\n\n# {file}\n\n````{language}\n{text}\n````\n"


def _lay_out_notebooks() -> None:
    """Turn the notebooks with their outputs into pages, with pictures beside them."""
    from nbconvert import MarkdownExporter

    exporter = MarkdownExporter()
    for path in sorted((ROOT / "examples" / "notebooks").glob("*.ipynb")):
        text, resources = exporter.from_filename(
            str(path), resources={"output_files_dir": path.stem, "unique_key": path.stem}
        )
        page = path.relative_to(ROOT).with_suffix(".md")
        text = _FRAME.sub("<table>", _FRAME_STYLE.sub("", text))
        pictures = resources.get("outputs", {})
        _write(PAGES / page, _with_links_to_pages(page, text, pictures)[0])
        for name, content in pictures.items():
            target = (PAGES / page).parent / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _write(path: Path, text: str) -> None:
    """Write a page if it has changed: a written page is built again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def keep_at_home() -> None:
    """Replace the search shim by a local copy.

    Raises:
        BrokenSite: A page loads something from another site.
    """
    foreign = []
    for page in sorted(SITE.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        up = "../" * (len(page.relative_to(SITE).parts) - 1)
        text = text.replace(FOREIGN_SHIM, f"{up}{SHIM}")
        page.write_text(text, encoding="utf-8")
        found = [*LOADED_FROM_ELSEWHERE.findall(text), *STYLED_FROM_ELSEWHERE.findall(text)]
        foreign += [f"{page.relative_to(SITE)}: {tag}" for tag in found]
    if foreign:
        raise BrokenSite("pages load something from another site:\n" + "\n".join(foreign))


def build() -> None:
    """Build the site.

    Raises:
        BrokenSite: The site cannot be built.
    """
    shutil.rmtree(SITE, ignore_errors=True)
    lay_out()
    done = subprocess.run([ZENSICAL, "build", "--strict", "--clean"], cwd=ROOT, check=False)
    if done.returncode != 0:
        raise BrokenSite("the site was not built; see the errors above")
    keep_at_home()
    sys.stdout.write(f"the site is at {SITE.relative_to(ROOT)}/index.html\n")


def serve() -> None:
    """Serve the site until Ctrl-C, and lay out pages again when they are saved.

    Raises:
        BrokenSite: The pages cannot be laid out at the start.
    """
    lay_out()
    seen = _moments()
    with subprocess.Popen([ZENSICAL, "serve"], cwd=ROOT) as server, contextlib.suppress(KeyboardInterrupt):
        while server.poll() is None:
            time.sleep(LOOK_S)
            if _moments() != seen:
                seen = _moments()
                _lay_out_again()


def _lay_out_again() -> None:
    try:
        lay_out()
    except BrokenSite as error:
        sys.stderr.write(f"{error}\n")


def _moments() -> dict[Path, int]:
    """The modification time of each page and notebook."""
    sources = [*(ROOT / page for page in written_pages()), *(ROOT / "examples" / "notebooks").glob("*.ipynb")]
    return {path: path.stat().st_mtime_ns for path in sources}


def main() -> int:
    """Build the site, or serve it during editing."""
    parser = argparse.ArgumentParser(description="Build the documentation site.")
    parser.add_argument("--serve", action="store_true", help="serve it on this machine instead")
    is_served = parser.parse_args().serve
    shutil.rmtree(PAGES, ignore_errors=True)
    try:
        serve() if is_served else build()
    except BrokenSite as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
