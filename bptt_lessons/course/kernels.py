"""Kernels: lessons run in the running Python, whatever other kernels a user has installed.

Otherwise Jupyter would prefer a kernel named ``python3`` in the user's own folder, whose Python may lack this course.
"""

from __future__ import annotations

from jupyter_client.kernelspec import KernelSpecManager


class ThisPython(KernelSpecManager):
    """Offers only the kernel of the running Python."""

    def _kernel_dirs_default(self) -> list[str]:
        return []


NAME = f"{ThisPython.__module__}.{ThisPython.__name__}"  # for the server's configuration
