"""Named points at which a fault test may kill this process. Absent unless the setting names one."""

import os
import signal
import sys

armed = ""


def arm(name: str) -> None:
    """Arm one point; ``name`` comes from the settings and is empty in production."""
    global armed
    armed = name


def point(name: str) -> None:
    """Die here, as by ``kill -9``, if this point is armed."""
    if armed == name:
        sys.stderr.write(f"fail point {name}\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)
