"""What a test instance answers to the open points of its API, from customers that are invented for it.

`probe` is the story, `bench` what its steps share; the steps are `reading`, `shaping`, `refusing`, `clearing`, `naming`
and `removing`. `hearing` keeps hold of whole answers, `shapes` reads them, `invented` makes the customers, `leftovers`
takes them away again. `findings` are the answers, `telling` puts them into words; `waiting` is how long it may take.
"""

__all__ = ["leftovers", "probe", "telling", "waiting"]
