"""
What pyproject.toml cannot say: the extension, its source's digest among it. All else stands there.

`[[tool.setuptools.ext-modules]]` is called experimental by setuptools, and has no place for a value that is worked out.
"""

from hashlib import sha256
from pathlib import Path

from setuptools import Extension, setup

SOURCE = "ingest/plain_native.pyx"
DIGEST = sha256(Path(__file__).with_name("ingest").joinpath("plain_native.pyx").read_bytes()).hexdigest()

setup(
    ext_modules=[
        Extension(
            "ingest.plain_native",
            [SOURCE],
            # `ingest/compiled.py` holds it against the source that is there at run time.
            define_macros=[("DAYSALT_SOURCE", f'"{DIGEST}"')],
            # No -march=native: images and directories are copied between machines.
            extra_compile_args=["-O3"],
            # Where it cannot be compiled, Python does the same.
            optional=True,
        )
    ],
    # A file's time does not tell whether it fits: after an upgrade the source may be older than what was compiled.
    options={"build_ext": {"force": True}},
)
