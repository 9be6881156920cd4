"""syncd keeps the customers of a go~mus instance in step with a museum's own CRM."""

__version__ = "0.1.0"
