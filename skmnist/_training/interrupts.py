"""Telling Ctrl-C from a KeyboardInterrupt that a callback raises."""

import dis
import signal


def raised_by_statement(exception):
    """Whether an exception comes from a `raise` rather than from a signal.

    The handler of Ctrl-C strikes between any two instructions, but the one that it
    strikes at is never a `raise`; or it is a function of the program's own.
    """
    handler = getattr(signal.getsignal(signal.SIGINT), "__code__", None)
    traceback = exception.__traceback__
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
        if traceback.tb_frame.f_code is handler:
            return False
    code = traceback.tb_frame.f_code.co_code
    return dis.opname[code[traceback.tb_lasti]] == "RAISE_VARARGS"
