"""The story of a run, top to bottom.

`run` is one whole run, `drawing` draws up its plan, `world` is what it is given, `lookups` what names are looked up
in, `excerpt` what the source says of one record, `entering` makes the state fit, `learning` is what is known of the
instance, `repetition` ends a run at once that would repeat the last one, `guarding` asks the guards, `invalid` and
`skipped` tell of what can't be sent, `claiming` lets no address be sent that another customer has got meanwhile,
`account` is what has come of its calls, `unclear` and `audit` are its end; `verify`, `erase` and `link` are runs of
their own; `unbegun` records a run that could not begin; `merging` looks whether staff have merged two customers;
`turns` lets lists of the same people run one after the other, and `taking_over` gives a customer of another list its
foreign_id here, by `renaming`; `recalling` is what the state remembers; `requests` writes down what is to be erased,
with or without a run.
"""

__all__ = [
    "drawing",
    "entering",
    "erase",
    "excerpt",
    "learning",
    "link",
    "lookups",
    "requests",
    "run",
    "unbegun",
    "verify",
    "world",
]
