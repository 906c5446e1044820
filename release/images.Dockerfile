# The images that release.yml builds on and with, by digest. Dependabot raises them. The Dockerfile names its base image by
# tag, so that a machine that reaches no registry of images can build it on a stand-in.
FROM debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f AS base
FROM moby/buildkit:v0.31.2@sha256:2f5adac4ecd194d9f8c10b7b5d7bceb5186853db1b26e5abd3a657af0b7e26ec AS buildkit
