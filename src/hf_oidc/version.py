"""The version, read by the build and by the `User-Agent`. It knows nothing else."""

VERSION = "0.1.0"
