"""The records in MongoDB: one typed dictionary for each kind, so that mypy knows every key.

A document has the fields of its record (``contracts/records``) and internal fields of the store. Fields with a default
in the record may be missing in documents of earlier releases: ``NotRequired``. Values are JSON or BSON values, never
pydantic models. tests/unit/contracts/test_documents.py compares both.

To add a field: CONTRIBUTING.md, "How to add a field to a record".
"""
