"""The records as MongoDB holds them: one typed dictionary for each kind, so that mypy knows every key.

A document has the fields of its record (``contracts/records``) and those that are for the store alone. What a record
gives a default may be lacking, in documents of earlier releases: ``NotRequired``. Values are held as JSON and BSON have
them, never as pydantic models. tests/unit/contracts/test_documents.py compares both.

To add a field: CONTRIBUTING.md, "How to add a field to a record".
"""
