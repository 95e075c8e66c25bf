"""Lets one thread at a time build a syntax tree.

Python 3.11 counts the depth of a tree in one place for all threads (python/cpython#106905), so the two workers of a run now
and then ended with "AST constructor recursion depth mismatch". Trees are made by `ast.parse` and by whoever calls `compile`
with the flag for it; a collection of garbage amid one may run code that makes another.
"""

import ast
import builtins
import gc
import threading

_compile = builtins.compile
_one = threading.RLock()


def _alone(source, filename, mode, flags=0, *arguments, **options):
    if not flags & ast.PyCF_ONLY_AST:
        return _compile(source, filename, mode, flags, *arguments, **options)
    with _one:
        collects = gc.isenabled()
        gc.disable()
        try:
            return _compile(source, filename, mode, flags, *arguments, **options)
        finally:
            if collects:
                gc.enable()


builtins.compile = _alone
