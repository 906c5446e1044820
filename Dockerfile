# The action's image: an interpreter, the modules that a login can reach, and what these need. release/image.py says
# what that is. No USER: the runner's command files belong to root.

FROM debian:trixie-slim AS build
COPY requirements/runtime.txt /build/
# Debian stable's own versions, so that a rebuild has its security fixes. They are unpacked and not configured: to compile
# Debian's modules takes longer, and the image has its own byte-code. What configuring would do for the certificates is
# done here: their hashes for OpenSSL, one bundle for pip.
# pip is a wheel too, which need not be installed. The package python3-pip would bring ten others.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends --download-only busybox ca-certificates python3 python3-pip-whl \
    && dpkg --unpack --force-depends --force-unsafe-io --no-triggers /var/cache/apt/archives/*.deb \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && openssl rehash /usr/share/ca-certificates/mozilla \
    && cat /usr/share/ca-certificates/mozilla/*.crt > /etc/ssl/certs/ca-certificates.crt \
    && PYTHONPATH=$(echo /usr/share/python-wheels/pip-*.whl) python3 -m pip install --no-cache-dir \
    --disable-pip-version-check --no-compile --target /build/packages \
    --require-hashes --no-deps --only-binary=:all: --requirement /build/runtime.txt
COPY src/hf_oidc /build/packages/hf_oidc
COPY release/__init__.py release/bytecode_importer.py release/image.py /build/release/
WORKDIR /build
# The time of every file. A fixed one: the same contents are the same layer, whatever the commit.
ARG SOURCE_DATE_EPOCH=0
# Not -I, which would keep -m from finding `release` in this folder.
RUN python3 -E -s -m release.image /build/packages /build/image

FROM scratch
COPY --from=build /build/image /
# The command is `hf-oidc`, by itself and in the shell that other CIs start. There is no ENTRYPOINT, which would get
# their script for arguments; action.yml names the action's.
ENV PATH=/opt/hf-oidc/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ARG SOURCE=https://github.com/org/hf-oidc-action
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="hf-oidc-action" \
    org.opencontainers.image.description="A short-lived Hugging Face token for a CI job, from its OpenID Connect identity" \
    org.opencontainers.image.source="$SOURCE" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.revision="$REVISION" \
    org.opencontainers.image.licenses="Apache-2.0"
CMD ["hf-oidc", "--help"]
