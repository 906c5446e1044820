#!/bin/sh
# The pipe: uploads FOLDER to the repository that RESOURCE names. Bitbucket passes the ID token of a step with `oidc:`.
set -eu

case ${RESOURCE:?set RESOURCE, such as acme/awesome-model or datasets/acme/corpus} in
  datasets/*) type=dataset ;;
  spaces/*) type=space ;;
  *) type=model ;;
esac

exec hf-oidc run "$RESOURCE" -- \
  hf upload "${RESOURCE#"${type}s/"}" "${FOLDER:-.}" . --repo-type "$type" --commit-message "Built at $BITBUCKET_COMMIT"
