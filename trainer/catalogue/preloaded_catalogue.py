"""Imported by the trainer's fork server, so that its children have the catalogue, plug-ins included, already."""

from modelbus.trainer.catalogue.entries import catalogue

catalogue()
