# The action's image: an interpreter, the modules that a login can reach, and what these need. release/image.py says
# what that is. No USER: the runner's command files belong to root.

FROM debian:trixie-slim AS build
WORKDIR /build
COPY requirements/runtime.txt ./
# Debian stable's own versions, so that a rebuild has its security fixes. The packages are named one by one, because it
# takes apt a second to resolve their dependencies; release/image.py stops if a library is missing. They are unpacked and
# not configured: to compile Debian's modules takes longer, and the image has its own byte-code. What configuring would do
# for the certificates is done here: their hashes for OpenSSL, one bundle for pip.
# The base image tells apt to keep its lists compressed, which makes later commands slower, and to save no cache, so
# `update` need not make one. apt downloads as the user _apt, who must be able to write to the folder.
# pip is a wheel too, which need not be installed. From a folder it starts faster than from the archive. Under -OO it leaves
# byte-code of the standard library, which release/image.py takes.
# hadolint ignore=DL3003
RUN apt-get --option Acquire::CompressionTypes::Order::=gz --option Acquire::GzipIndexes=false \
    --option pkgCacheFile::Generate=false update \
    && install --directory --owner=_apt debs \
    && (cd debs && apt-get download busybox ca-certificates libexpat1 libffi8 libpython3.13-minimal \
    libpython3.13-stdlib openssl python3-minimal python3-pip-whl python3.13-minimal) \
    && dpkg --unpack --force-depends --force-unsafe-io --no-triggers debs/*.deb \
    && rm -r debs /var/lib/apt/lists/* \
    && openssl rehash /usr/share/ca-certificates/mozilla \
    && cat /usr/share/ca-certificates/mozilla/*.crt > /etc/ssl/certs/ca-certificates.crt \
    && busybox unzip -q /usr/share/python-wheels/pip-*.whl -d pip \
    && PYTHONPATH=pip python3 -OO -X no_debug_ranges -m pip install --no-cache-dir --disable-pip-version-check \
    --no-compile --target packages --require-hashes --no-deps --only-binary=:all: --requirement runtime.txt \
    && rm -r pip
COPY src/hf_oidc packages/hf_oidc
COPY release/__init__.py release/bytecode_importer.py release/image.py release/
# The time of every file. A fixed one: the same contents are the same layer, whatever the commit.
ARG SOURCE_DATE_EPOCH=0
# Not -I, which would keep -m from finding `release` in this folder. No debug ranges: the columns of a statement, which a
# traceback shows below a line of source. Without them the image is half a megabyte smaller.
RUN python3 -OO -X no_debug_ranges -E -s -m release.image /build/packages /build/image

FROM scratch
COPY --from=build /build/image /
# The command is `hf-oidc`, by itself and in the shell that other CIs start. There is no ENTRYPOINT, which would get
# their script for arguments; action.yml names the action's.
ENV PATH=/opt/hf-oidc/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ARG SOURCE=https://github.com/org/hf-oidc-action VERSION=unreleased REVISION=unknown
LABEL org.opencontainers.image.title="hf-oidc-action" \
    org.opencontainers.image.description="A short-lived Hugging Face token for a CI job, from its OpenID Connect identity" \
    org.opencontainers.image.source="$SOURCE" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.revision="$REVISION" \
    org.opencontainers.image.licenses="Apache-2.0"
CMD ["hf-oidc", "--help"]
