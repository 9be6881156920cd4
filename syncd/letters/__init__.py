"""What the letters of words tell: in which encoding they were written, and whether they were ever read in a wrong one.

`likelihood` weighs a word, `misread` finds words that are natural only in another code page, and `twice` UTF-8 that was
taken for something else.
"""

__all__ = ["likelihood", "misread", "twice"]
