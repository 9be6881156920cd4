"""What differs between the systems that syncd runs on; nobody else asks which one it is.

`clock` counts from the start of the machine, `files` has rights and disks, `locks` the system's locks on files,
`processes` what is started and who starts it, `signals` how a process is told to stop.
"""

__all__ = ["clock", "files", "locks", "processes", "signals"]
