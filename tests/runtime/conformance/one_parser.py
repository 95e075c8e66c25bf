"""Lets one thread at a time build a syntax tree.

Python 3.11 counts the depth of a tree in one place for all threads (python/cpython#106905), so the two workers of a run now
and then ended with "AST constructor recursion depth mismatch".
"""

import ast
import threading

_parse = ast.parse
_one = threading.RLock()


def _alone(*arguments, **options):
    with _one:
        return _parse(*arguments, **options)


ast.parse = _alone
