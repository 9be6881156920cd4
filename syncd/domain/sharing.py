"""What becomes of an e-mail address that two customers of an instance would have."""

from enum import Enum

EMAIL = "email"  # the field of go~mus


class SharedEmail(Enum):
    """go~mus finds the customer of an order by its address, and of two that share one it may take the other."""

    REPORT = "report"  # whoever shares one is listed, and synced all the same
    REFUSE = "refuse"  # whoever has it first keeps it; the other record is invalid until it is free
    ALLOW = "allow"  # nobody looks, and nothing is kept of addresses
