"""Imported by the trainer's fork server, so that its children start with the catalogue and the plug-ins loaded."""

from modelbus.trainer.catalogue.entries import catalogue

catalogue()
