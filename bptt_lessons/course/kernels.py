"""Kernels: lessons run in this very Python, whatever other kernels a user has installed.

A kernel named ``python3`` in the user's own Jupyter folder would otherwise be taken
first, and lead to a Python that has never heard of this course.
"""

from __future__ import annotations

from jupyter_client.kernelspec import KernelSpecManager


class ThisPython(KernelSpecManager):
    """Offers the kernel of the running Python, and no other."""

    def _kernel_dirs_default(self) -> list[str]:
        return []


NAME = f"{ThisPython.__module__}.{ThisPython.__name__}"  # for the server's configuration
