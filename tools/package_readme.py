"""Makes the links of README.md absolute in the package's description: a package index has no other files.

Hatchling calls this when it builds an archive or installs the checkout; it needs nothing but Hatchling.
"""

import re
from pathlib import Path
from typing import Any, Final

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK: Final = re.compile(r"(\]\()(?!#|[a-z]+:)([^)\s]+)(\))")


def with_absolute_links(text: str, repository: str) -> str:
    """The text with links to the repository's web pages instead of relative ones.

    Args:
        text: Markdown.
        repository: The repository's web address.
    """
    return LINK.sub(rf"\g<1>{repository}/blob/main/\g<2>\g<3>", text)


class PackageReadme(MetadataHookInterface):
    """Sets the field ``readme``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the description from README.md and the project's address."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        text = with_absolute_links(text, metadata["urls"]["Source"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
