# The same program as most people would put it into an image; what the action's own image is compared with.
FROM debian:trixie-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/hf-oidc
COPY *.whl /build/
# The wheel does not require actions-toolkit: only the action needs it.
RUN /opt/hf-oidc/bin/pip install --no-cache-dir /build/*.whl actions-toolkit==0.1.15
