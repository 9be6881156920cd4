"""The only place that talks to go~mus.

`client` makes the calls, each in a turn of the `budget` (`slots` in hand, their `pace`, and the `keeper` that shares
them with other processes), `judging` says what a status means, `wire` knows the shapes of answers, `fields` the
customer fields, `options` the configuration.
"""

__all__ = ["client", "fields", "options", "sentences", "wire"]
