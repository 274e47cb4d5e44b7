"""A plug-in whose import fails, as one whose library is not there."""

import a_library_that_nobody_has  # noqa: F401

CLASSIFIER = None
