"""How much of a long table is tried: what the suite has time for, or all of it."""

import os

IS_WHOLE = bool(os.environ.get("SYNCD_TEST_WHOLE"))
