"""The only place that talks to go~mus.

`client` makes the calls, `judging` says what a status means, `wire` knows the shapes of answers, `fields` the customer
fields, `options` the configuration.
"""

__all__ = ["client", "fields", "options", "wire"]
