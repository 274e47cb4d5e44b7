"""Hosts that mean this machine only."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host name or an address, without port, can only mean this machine."""
    if host.lower() in ("localhost", "localhost."):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def without_port(authority: str) -> str:
    """The host of ``host:port``, in lower case; of an IPv6 address without its brackets."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.rpartition(":")[0].lower() if ":" in authority else authority.lower()
