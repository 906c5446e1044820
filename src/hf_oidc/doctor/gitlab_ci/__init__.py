"""Checks `.gitlab-ci.yml`: the jobs that use the Hub, their ID tokens, and the pipelines that run them."""
