# The action's image. No USER: the runner's command files belong to root.

FROM debian:trixie-slim AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-pip \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv --without-pip /opt/hf-oidc
COPY requirements/runtime.txt /build/
RUN python3 -m pip --python /opt/hf-oidc/bin/python3 install --no-cache-dir --disable-pip-version-check \
    --require-hashes --no-deps --only-binary=:all: --requirement /build/runtime.txt
COPY src/hf_oidc /build/hf_oidc
# actions-toolkit ships its tests as a package of that name.
RUN cp -r /build/hf_oidc /opt/hf-oidc/lib/python3*/site-packages/ \
    && rm -r /opt/hf-oidc/lib/python3*/site-packages/tests \
    && /opt/hf-oidc/bin/python3 -m compileall -q /opt/hf-oidc/lib \
    && printf '#!/bin/sh\nexec /opt/hf-oidc/bin/python3 -I -m hf_oidc.cli "$@"\n' > /opt/hf-oidc/bin/hf-oidc \
    && chmod 755 /opt/hf-oidc/bin/hf-oidc

FROM debian:trixie-slim
# Debian stable's own versions, so that a rebuild has its security fixes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 \
    && apt-get clean && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/hf-oidc /opt/hf-oidc
# For CIs that run the image with a shell: the command is `hf-oidc` there.
ENV PATH=/opt/hf-oidc/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENTRYPOINT ["/opt/hf-oidc/bin/python3", "-I", "-m", "hf_oidc.action"]
