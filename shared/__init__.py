"""What the services share: contracts, errors, settings, logs, bus, store, worker, tables and models.

It may not import a service or ``modelbus``. ``docs/architecture.md`` says what each room holds.
"""
